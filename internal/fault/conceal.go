package fault

import "strings"

// hidden stands for what is not shown.
const hidden = "[hidden]"

// NamesSecret reports whether a setting, an option or a variable of this name has a secret for its value.
func NamesSecret(name string) bool {
	return containsAny(strings.ToLower(name), "secret", "seed", "token", "passw", "passphrase", "totp", "api_key", "api-key", "apikey")
}

// namesPlain reports whether what has this name is never a secret, whatever it looks like.
func namesPlain(name string) bool {
	return containsAny(strings.ToLower(name), "profile", "session", "external", "key_id", "region", "arn")
}

// Conceal hides what may be a secret in a line of somebody's settings, such as the command of
// mfa_process: a seed can be among its arguments. These are the values of what NamesSecret knows, otpauth
// URIs, and words that look like a seed (base32 or hexadecimal digits, also in groups of four) or like
// a secret access key. Every command line that is shown comes through here.
func Conceal(line string) string {
	if strings.HasPrefix(strings.TrimSpace(line), "[") { // a section, which has the name of a profile
		return line
	}
	words := concealable(line)
	var b strings.Builder
	previous, uri := "", false
	for i, w := range words {
		named := strings.HasPrefix(previous, "-") || strings.Contains(words[max(i-1, 0)].behind, "=")
		switch {
		case w.text == "":
		case uri || strings.HasPrefix(w.text, "otpauth"):
			if uri = !strings.ContainsAny(w.behind, " \t\"'"); !uri {
				b.WriteString(hidden)
			}
		case named && NamesSecret(previous) && w.text[0] != '-':
			b.WriteString(hidden)
		case (!named || !namesPlain(previous)) && (looksSecret(w.text) || inGroups(words, i)):
			b.WriteString(hidden)
		default:
			b.WriteString(w.text)
		}
		if !uri {
			b.WriteString(w.behind)
		}
		if w.text != "" {
			previous = w.text
		}
	}
	if uri {
		b.WriteString(hidden)
	}
	return b.String()
}

// concealedWord is a word with the characters behind it that end it.
type concealedWord struct{ text, behind string }

func concealable(line string) (words []concealedWord) {
	const ends = " \t\r\n\"'`=,;|&<>()[]{}"
	for line != "" {
		end := strings.IndexAny(line, ends)
		if end < 0 {
			return append(words, concealedWord{text: line})
		}
		rest := strings.TrimLeft(line[end:], ends)
		words = append(words, concealedWord{line[:end], line[end : len(line)-len(rest)]})
		line = rest
	}
	return words
}

const (
	letters32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits32  = "234567"
	letters16 = "abcdefABCDEF"
	decimals  = "0123456789"
)

// looksSecret reports whether a word looks like a seed or like a secret access key. The id of an access key
// is none, nor is a number.
func looksSecret(word string) bool {
	const shortest, secretKey, keyID = 16, 40, 20
	if len(word) < shortest || len(word) == keyID && containsAny(word[:4], "AKIA", "ASIA") || only(word, decimals) {
		return false
	}
	base64 := len(word) == secretKey && word[0] != '/' && only(word, letters32+strings.ToLower(letters32)+decimals+"+/")
	return base64 || only(word, letters16+decimals) || only(word, letters32+digits32) || only(word, strings.ToLower(letters32)+digits32)
}

// inGroups reports whether the word i is one of three or more in a row that have four letters or digits of
// base32, as seeds are printed for people: "jbsw y3dp ehpk", and not words of a language.
func inGroups(words []concealedWord, i int) bool {
	const size, fewest = 4, 3
	group := func(at int) bool {
		return at >= 0 && at < len(words) && len(words[at].text) == size && only(strings.ToUpper(words[at].text), letters32+digits32)
	}
	from, to := i, i+1
	for group(from - 1) {
		from--
	}
	for group(to) {
		to++
	}
	digit := false
	for _, w := range words[from:to] {
		digit = digit || strings.ContainsAny(w.text, digits32)
	}
	return group(i) && digit && to-from >= fewest
}

func only(text, characters string) bool { return strings.Trim(text, characters) == "" }

func containsAny(text string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
