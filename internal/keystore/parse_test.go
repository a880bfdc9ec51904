package keystore

import (
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
)

const (
	someID     = "AKIAIOSFODNN7EXAMPLE"
	someSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

func TestParseAccessKey(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"csv of the console":   "\ufeffAccess key ID,Secret access key\r\n" + someID + "," + someSecret + "\r\n",
		"csv of a new user":    "User name,Password,Access key ID,Secret access key,Console login link\nalice,Pa55!word," + someID + "," + someSecret + ",https://123456789012.signin.aws.amazon.com/console\n",
		"json":                 `{"AccessKey": {"UserName": "alice", "AccessKeyId": "` + someID + `", "Status": "Active", "SecretAccessKey": "` + someSecret + `", "CreateDate": "2026-01-02T03:04:05+00:00"}}`,
		"json, escaped":        `{"AccessKeyId":"` + someID + `","SecretAccessKey":"` + strings.ReplaceAll(someSecret, "/", `\/`) + `"}`,
		"credentials file":     "[work]\naws_access_key_id = " + someID + "\naws_secret_access_key = " + someSecret + "\n",
		"shell":                "export AWS_ACCESS_KEY_ID=" + someID + "\nexport AWS_SECRET_ACCESS_KEY='" + someSecret + "'\n",
		"the two":              someID + " " + someSecret,
		"two lines, reversed":  someSecret + "\n" + someID,
		"quotes kept":          `AWS_ACCESS_KEY_ID="` + someID + `"` + "\nAWS_SECRET_ACCESS_KEY=\"" + someSecret + "\"\n",
		"no-break spaces":      "Access key\u00a0" + someID + "\u00a0\nSecret\u00a0" + someSecret + "\u200b\n",
		"the same thing twice": someID + " " + someSecret + " " + someID + " " + someSecret,
	} {
		key, err := ParseAccessKey("stdin", text, true)
		if err != nil || key.ID != someID || key.Secret.Reveal() != someSecret {
			t.Errorf("%s: %s, %v", name, key.ID, err)
		}
	}
}

func TestParseAccessKeyRefuses(t *testing.T) {
	t.Parallel()
	for text, words := range map[string]string{
		"":                            "no access key id",
		someSecret:                    "no access key id",
		someID:                        "no secret access key",
		someID + " " + someSecret[1:]: "no secret access key",
		strings.Replace(someID, "AKIA", "ASIA", 1) + " " + someSecret: "temporary",
		someID + " " + someSecret + " AKIAIOSFODNN7EXAMPL2":           "2 access keys",
		someID + " " + someSecret + " " + strings.ToLower(someSecret): "2 texts",
		strings.ToLower(someID) + " " + someSecret:                    "no access key id",
		"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP":                            "no access key id",
		someID + "\n" + someSecret[:9] + "\u200b" + someSecret[9:]:    "character 31 is U+200B",
		someID[:9] + "\u00ad" + someID[9:] + " " + someSecret:         "character 10 is U+00AD",
	} {
		_, err := ParseAccessKey("stdin", text, true)
		if fault.KindOf(err) != fault.Usage || !strings.Contains(fault.Text(err), words) || strings.Contains(fault.Line(err), someSecret[5:15]) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestParseAccessKeyOfOthers has secret access keys that are not 40 characters long.
func TestParseAccessKeyOfOthers(t *testing.T) {
	t.Parallel()
	const secret = "h7GhxuBLTrlhVUyxSPUKUV8r/2EI4ngqJxD7_iBdBYL"
	for name, text := range map[string]string{
		"csv":                 "Access key ID,Secret access key\r\n" + someID + "," + secret + "\r\n",
		"json":                `{"UserName": "alice", "AccessKeyId": "` + someID + `", "Status": "Active", "SecretAccessKey": "` + secret + `"}`,
		"json of Ceph":        `{"user": "alice", "access_key": "` + someID + `", "secret_key": "` + secret + `"}`,
		"credentials file":    "[work]\naws_secret_access_key = " + secret + "\naws_access_key_id = " + someID + "\n",
		"shell":               "export AWS_ACCESS_KEY_ID=" + someID + "\nexport AWS_SECRET_ACCESS_KEY='" + secret + "'\n",
		"the two":             someID + " " + secret,
		"the two, in quotes":  `"` + someID + `" "` + secret + `"`,
		"one in each of two":  someID + "\r\n" + secret + "\r\n",
		"separated by colons": someID + ":" + secret,
	} {
		key, err := ParseAccessKey("stdin", text, false)
		if err != nil || key.ID != someID || key.Secret.Reveal() != secret {
			t.Errorf("%s: %s, %v", name, key.ID, err)
		}
		if _, err := ParseAccessKey("stdin", text, true); fault.KindOf(err) != fault.Usage {
			t.Errorf("%s, of AWS: %v", name, err)
		}
	}
}

func FuzzParseAccessKey(f *testing.F) {
	f.Add(someID + "," + someSecret)
	f.Add("{\"\\/\"")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseAccessKey("stdin", text, true)
		if (err == nil) != (envstore.CheckAWSKey("", key) == nil) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
