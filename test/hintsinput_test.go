//go:build linux

package test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/qr"
)

// file writes the file x, from which a command reads.
func file(text string) func(*ill) {
	return func(m *ill) { m.write(filepath.Join(m.Dir, "x"), text) }
}

// inputHints are those about access keys, seeds and pictures that are read or typed.
func inputHints() []hintCase {
	const (
		add     = "aws-mfa-creds add --profile new --store age "
		addSeed = add + "--access-key-file <KEY> --serial <SERIAL> --seed-file <DIR>/x"
		addKey  = add + "--access-key-file <DIR>/x"
		of      = "--seed-file …/x: "
		keyOf   = "--access-key-file …/x: "
		aws     = "aws_access_key_id = "
		uri     = "otpauth://totp/x?secret="
		seed    = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	)
	ofSeed := func(text string) string { return ofCI + "AWS_MFA_CREDS_SEED='" + text + "' " + getWork }
	good := func(m *ill) { m.must(m.fill("cp <SEED> <DIR>/x")) }
	goodSeed := retype(ofCI + "AWS_MFA_CREDS_SEED=$(cat <SEED>) " + getWork)
	goodKey := func(m *ill) { m.must(m.fill("cp <KEY> <DIR>/x")) }
	account := func(fields string) string { return "\x0a" + string(rune(len(fields))) + fields }
	secret := "\x0a\x14" + strings.Repeat("k", 20)
	usable := account(secret + "\x12\x03one\x20\x01\x28\x01\x30\x02")
	other := account(secret + "\x12\x03two\x20\x01\x28\x01\x30\x02")
	parts := func(size, index, batch byte) string {
		return string([]byte{0x18, size, 0x20, index, 0x28, batch})
	}
	export := func(payload string) string {
		return "otpauth-migration://offline?data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(payload)))
	}
	return []hintCase{
		{"weak seed", file("JBSWY3DPEHPK3PXP"), addSeed, 2, of + "seed has 80 bits, RFC 4226 requires 128", "make sure that none of it is missing, or give --allow-weak-seed", retype(addSeed + " --allow-weak-seed"), "different seed"},
		{"a code", file("123456"), addSeed, 2, of + "that is a code, not the seed", "give the seed that AWS showed when the device was made", good, ""},
		{"secret key for a seed", file("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), addSeed, 2, of + "that looks like a secret access key, not the seed", "give the seed; one that really has 40 characters is written in one case", good, ""},
		{"key id for a seed", file("AKIAIOSFODNN7EXAMPLE"), addSeed, 2, of + "that looks like an access key id, not the seed", "give the seed", good, ""},
		{"empty seed", file(" \n"), addSeed, 2, of + "seed is empty", "give the seed that AWS shows for the device", good, ""},
		{"cut seed", file(seed + "A"), addSeed, 2, of + "seed looks cut (33 characters)", "copy the whole seed again", good, ""},
		{"seed not ASCII", file(seed + "Ä"), addSeed, 2, of + "character 33 of the seed is U+00C4, not ASCII", "copy the whole seed again, as plain text", good, ""},
		{"letter I", file(seed + "1"), addSeed, 2, of + "character 33 of the seed is '1', base32 has only A-Z and 2-7", "perhaps it is the letter I, else copy the whole seed again", good, ""},
		{"letter O", file(seed + "0"), addSeed, 2, of + "character 33 of the seed is '0', base32 has only A-Z and 2-7", "perhaps it is the letter O, else copy the whole seed again", good, ""},
		{"letter B", file(seed + "8"), addSeed, 2, of + "character 33 of the seed is '8', base32 has only A-Z and 2-7", "perhaps it is the letter B, else copy the whole seed again", good, ""},
		{"another URI", file("https://example.com"), addSeed, 2, of + "that is a URI, but not an otpauth URI", "give the seed or an otpauth://totp URI", good, ""},
		{"counter-based", file("otpauth://hotp/x?secret=" + seed), addSeed, 2, of + "otpauth URI is for hotp, which is counter-based, and AWS needs totp", "give the seed of a time-based device", good, ""},
		{"URI cut", file("otpauth://totp/x?secre"), addSeed, 2, of + "otpauth URI has no secret parameter", "copy the whole URI again", good, ""},
		{"eight digits", file(uri + seed + "&digits=8"), addSeed, 2, of + "otpauth URI asks for digits=8, AWS uses 6", "enroll a device whose codes AWS accepts", good, ""},
		{"damaged export", file(export("\x0a\xff")), addSeed, 2, of + "data of the export is damaged", "scan its QR code again", good, ""},
		{"empty export", file(export(parts(1, 0, 1))), addSeed, 2, of + "export has no account in it", "choose accounts in the app and export again", good, ""},
		{"export of a counter", file(export(account(secret+"\x12\x01x\x20\x01\x28\x01\x30\x01") + parts(1, 0, 1))), addSeed, 2, of + "account is for hotp, which is counter-based, and AWS needs totp", "use the account of a time-based device", good, ""},
		{"part of an export", file(export(usable + parts(2, 0, 1))), addSeed, 2, of + "part 2 of 2 of the export is missing", "give all QR codes of the export together", good, ""},
		{"two accounts", file(export(usable + other + parts(1, 0, 1))), addSeed, 2, of + "there are several accounts (\"one\", \"two\")", "give one of the names: --account one", retype(addSeed + " --account one"), "different seed"},
		{"unknown account", file(export(usable + other + parts(1, 0, 1))), addSeed + " --account phone", 2, "--account phone: there are only \"one\", \"two\"", "give one of the names: --account one", retype(addSeed + " --account one"), "different seed"},
		{"two exports", all(file(export(usable+parts(2, 0, 1))), func(m *ill) { m.write(filepath.Join(m.Dir, "y"), export(other+parts(2, 1, 2))) }), addSeed + " --seed-file <DIR>/y", 2, of + "these QR codes are not from the same export", "give the QR codes of one export only", func(m *ill) {
			m.write(filepath.Join(m.Dir, "y"), export(other+parts(2, 1, 1)))
			m.again = addSeed + " --seed-file <DIR>/y --account one"
		}, "different seed"},
		{"two URIs", nil, ofSeed(uri + seed + "\n" + uri + seed + "&x=y"), 4, "AWS_MFA_CREDS_SEED: that is 2 otpauth URIs", "give the one of the MFA device", goodSeed, ""},
		{"URI in two lines", file(uri + seed[:20] + "\n" + seed[20:]), addSeed, 2, of + "otpauth URI seems to go on in the next line", "put the whole URI into one line", good, ""},
		{"URI not ASCII", file("otp\u0430uth://totp/x?secret=" + seed), addSeed, 2, of + "character 4 is U+0430, not ASCII, in the otpauth URI", "copy the whole URI again, as plain text", good, ""},
		{"seed in quotes", file("'" + seed + "'"), addSeed, 2, of + "seed is in quotes", "give it without the quotes", sh("printf %s " + seed + " > <DIR>/x"), "different seed"},
		{"seed of two kinds", file(strings.Repeat("QkFB", 16)), addSeed, 2, of + "seed can be read as base32 and as base64 of base32", "decode the base64 and give the result", sh("base64 -d < <DIR>/x > <DIR>/y; mv <DIR>/y <DIR>/x"), "different seed"},
		{"whole export", nil, ofSeed(export(usable + other + parts(1, 0, 1))), 4, "AWS_MFA_CREDS_SEED: export of Google Authenticator has 2 accounts", "export only the account of the MFA device", goodSeed, ""},
		{"part of an export in the environment", nil, ofSeed(export(usable + parts(2, 0, 1))), 4, "AWS_MFA_CREDS_SEED: that is part 1 of 2 of an export of Google Authenticator", "export only the account of the MFA device", goodSeed, ""},
		{"useless export", nil, ofSeed(export(account(secret+"\x30\x01") + account(secret+"\x30\x01") + parts(1, 0, 1))), 4, "AWS_MFA_CREDS_SEED: none of the 2 accounts in the export is one that AWS can use", "export only the account of the MFA device", goodSeed, ""},
		{"two codes", (*ill).pictures, addSeed, 2, of + "the picture has 2 QR codes, and none has an otpauth URI", "crop the picture to the one of the MFA device", good, ""},
		{"no desktop", nil, add + "--access-key-file <KEY> --serial <SERIAL> --seed-clipboard", 2, "clipboard: there is no desktop here (neither WAYLAND_DISPLAY nor DISPLAY is set)", "give --seed-file FILE", retype(strings.Replace(addSeed, "<DIR>/x", "<SEED>", 1)), ""},
		{"no program for the clipboard", env("PATH=<PROGRAM>", "DISPLAY=:1"), "aws-mfa-creds code --profile work --copy", 2, "clipboard: no program for it is installed", "install xclip or xsel, or leave out --copy", retype("aws-mfa-creds code --profile work"), ""},
		{"two from stdin", nil, add + "--serial <SERIAL> --access-key-file - --seed-file - < <KEY>", 2, "--access-key-file, --seed-file: cannot both read stdin", "give a file for all but one of them", retype(strings.Replace(addSeed, "<DIR>/x", "<SEED>", 1)), ""},
		{"rejected key", file("AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), addKey + " --verify --serial <SERIAL> --seed-file <SEED>", 6, "access key AKIA…: AWS does not accept it in region us-east-1: deleted, inactive, or of another partition (request id …)", "give id and secret of an active access key, as the console or the AWS CLI showed them", goodKey, ""},
		{"not a picture", file("\x00\xff\x02\x03"), addSeed, 2, of + "image: is neither a text nor a picture of a known kind", "give the seed as a text of its own, or a PNG, JPEG or WebP file", good, ""},
		{"a PDF", file("%PDF-1.7\x00\xff"), addSeed, 2, of + "image: is a PDF document", "take a screenshot of it", good, ""},
		{"HEIC", file("\x00\x00\x00\x18ftypheic\x00\xff\x00\x00"), addSeed, 2, of + "image: is a HEIC, AVIF or video file, which cannot be read", "convert it to PNG, or take a screenshot", good, ""},
		{"SVG", file("<svg xmlns='http://www.w3.org/2000/svg'/>"), addSeed, 2, of + "image: is an SVG drawing", "open it in a browser and take a screenshot", good, ""},
		{"damaged picture", file("\x89PNG\r\n\x1a\n\xff"), addSeed, 2, of + "image: is damaged, or of a kind that cannot be read", "take a new screenshot, as PNG", good, ""},
		{"no QR code", func(m *ill) { m.picture(100, 100) }, addSeed, 2, of + "image: no QR code found in it", "crop the picture to the code, or take a larger screenshot, or paste the secret key instead", good, ""},
		{"too many pixels", func(m *ill) { m.picture(9000, 9000) }, addSeed, 2, of + "image: has 9000 x 9000 pixels, more than 50 million", "crop it to the QR code", good, ""},
		{"temporary key", file("ASIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), addKey, 2, keyOf + "holds a temporary access key, and GetSessionToken needs a long-lived one", "give the access key of the IAM user, AKIA...", goodKey, ""},
		{"no key", file("hello"), addKey, 2, keyOf + "there is no access key id", "give the id (AKIA...) and the secret access key, as the console or the AWS CLI showed them", goodKey, ""},
		{"two keys", file("AKIAIOSFODNN7EXAMPLE AKIAIOSFODNN7EXAMPLF wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), addKey, 2, keyOf + "there are 2 access keys", "give one alone", goodKey, ""},
		{"two secrets", file("AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEZ"), addKey, 2, keyOf + "there are 2 texts that could be the secret access key", "give the access key alone", goodKey, ""},
		{"temporary key in the credentials", func(m *ill) {
			m.write(m.credentials(), "[new]\n"+aws+"ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = y\n")
		}, add + "--from-credentials-file", 3, "…/home/.aws/credentials:…: this access key is temporary; GetSessionToken needs a long-lived one", "give the access key of the IAM user, AKIA...", func(m *ill) { m.write(m.credentials(), ""); m.plainKey(m.credentials(), "[new]") }, ""},
		{"two keys in the credentials", func(m *ill) {
			m.plainKey(m.credentials(), "[new]")
			m.append(m.ConfigFile(), "[profile new]\n"+aws+"AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n")
		}, add + "--from-credentials-file", 3, "…/home/.aws/config:…: this access key differs from the one in …/home/.aws/credentials:2", "delete the one that is not used", edit("[profile new]\n"+aws+"AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n", ""), ""},
		{"no key in the credentials", nil, add + "--from-credentials-file", 4, "--from-credentials-file: neither ~/.aws/credentials nor the AWS config has an access key for profile \"new\"", "give --access-key-file FILE", retype(add + "--access-key-file <KEY>"), ""},
		{"id in the credentials", func(m *ill) { m.write(m.credentials(), "[new]\n"+aws+"AKIA/\naws_secret_access_key = x\n") }, add + "--from-credentials-file", 3, "…/home/.aws/credentials:…: is not an access key id", "give the access key of the IAM user, AKIA...", func(m *ill) { m.write(m.credentials(), ""); m.plainKey(m.credentials(), "[new]") }, ""},
		{"secret in the credentials", func(m *ill) {
			m.write(m.credentials(), "[new]\n"+aws+"AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = AKIAIOSFODNN7EXAMPLE\n")
		}, add + "--from-credentials-file", 3, "…/home/.aws/credentials:…: holds an access key id, not the secret access key", "copy the secret access key again from where the access key was created", func(m *ill) { m.write(m.credentials(), ""); m.plainKey(m.credentials(), "[new]") }, ""},
		{"nothing to ask on", nil, add, 2, "add: there is no terminal to ask on", "give --access-key-file and --seed-file, or --from-env, --from-credentials-file, --from-aws-vault, --mfa-process", retype(add + "--access-key-file <KEY>"), ""},
		{"key from a directory", nil, add + "--access-key-file <DIR>", 2, "--access-key-file …: is a directory", "give the path of the file that has it", retype(add + "--access-key-file <KEY>"), ""},
		{"key from no file", nil, add + "--access-key-file <DIR>/nowhere", 2, "--access-key-file …/nowhere: no such file", "give the path of the file that has it", retype(add + "--access-key-file - < <KEY>"), ""},
		{"key unreadable", all(goodKey, sh("chmod 0 <DIR>/x")), addKey, 11, keyOf + "cannot be read: permission denied", "make it readable: chmod u+r …", nil, ""},
		{"key unreadable at a foreign path", sh("mkdir <DIR>/ü; cp <KEY> <DIR>/ü/x; chmod 0 <DIR>/ü/x"), add + "--access-key-file <DIR>/ü/x", 11, "--access-key-file …/\\u00fc/x: cannot be read: permission denied", "make it readable: chmod u+r …", nil, ""},
		{"another store", nil, "aws-mfa-creds add --profile work --store pass --access-key-file <KEY>", 2, "--store pass: the access key of profile work is already stored in age", "run: aws-mfa-creds store move --profile work --to pass --key", retype("aws-mfa-creds store move --profile work --key --to age"), ""},
		{"codes from a program", setting("mfa_process = op"), "aws-mfa-creds add --profile work --seed-file <SEED>", 3, "profile work: a program prints its codes (mfa_process), so a seed here is not used", "to have this program generate them, delete mfa_process from …", edit("mfa_process = op\n", ""), ""},
		{"no aws-vault", env("PATH=/usr/bin:/bin:<PROGRAM>"), add + "--from-aws-vault work", 5, "aws-vault: is not on PATH", "install it, or give the access key with --access-key-file FILE", retype(add + "--access-key-file <KEY>"), ""},
		{"another access key", file("AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "aws-mfa-creds add --profile work --access-key-file <DIR>/x", 2, "there is no terminal to ask on: Replace access key AKIA… of profile work with AKIA…?", "give --yes", retype("aws-mfa-creds add --profile work --yes --access-key-file <DIR>/x"), ""},
	}
}

// picture writes a picture without anything on it to the file x.
func (m *ill) picture(width, height int) {
	m.draw(image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.White}))
}

// pictures writes a picture with two QR codes, of which none is for an MFA device, to the file x.
func (m *ill) pictures() {
	both := image.NewGray(image.Rect(0, 0, 800, 400))
	draw.Draw(both, both.Rect, image.White, image.Point{}, draw.Src)
	for i, text := range []string{"https://example.com", "https://example.org"} {
		code, err := qr.Encode(creds.NewSecret(text))
		must(m.t, err)
		data, err := code.PNG(8)
		must(m.t, err)
		one, err := png.Decode(bytes.NewReader(data))
		must(m.t, err)
		draw.Draw(both, image.Rect(400*i, 0, 800, 400), one, image.Point{}, draw.Src)
	}
	m.draw(both)
}

// draw writes a picture to the file x.
func (m *ill) draw(picture image.Image) {
	path := filepath.Join(m.Dir, "x")
	f, err := os.Create(path)
	must(m.t, err)
	must(m.t, png.Encode(f, picture))
	must(m.t, f.Close())
	must(m.t, os.Lchown(path, m.uid, m.uid))
}
