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
		"the same thing twice": someID + " " + someSecret + " " + someID + " " + someSecret,
	} {
		key, err := ParseAccessKey("stdin", text)
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
	} {
		_, err := ParseAccessKey("stdin", text)
		if fault.KindOf(err) != fault.Usage || !strings.Contains(fault.Text(err), words) || strings.Contains(fault.Line(err), someSecret[5:15]) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseAccessKey(f *testing.F) {
	f.Add(someID + "," + someSecret)
	f.Add("{\"\\/\"")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseAccessKey("stdin", text)
		if (err == nil) != (envstore.CheckAccessKey("", key) == nil) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
