package keystore

import (
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
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

// TestParseAccessKeyOfOthers has ids and secret access keys in the forms of other makers of STS, as
// radosgw-admin and mc print them.
func TestParseAccessKeyOfOthers(t *testing.T) {
	t.Parallel()
	const long = "h7GhxuBLTrlhVUyxSPUKUV8r/2EI4ngqJxD7_iBdBYL"
	for _, key := range [][2]string{{someID, long}, {"0555b35654ad1656d804", someSecret}, {"0555b35654ad1656d804", long}, {"minioadmin", "minioadmin"}, {"alice", "a=b=="}} {
		id, secret := key[0], key[1]
		for name, text := range map[string]string{
			"csv":                 "Access key ID,Secret access key\r\n" + id + "," + secret + "\r\n",
			"json":                `{"UserName": "alice", "AccessKeyId": "` + id + `", "Status": "Active", "SecretAccessKey": "` + secret + `"}`,
			"json of Ceph":        `{"user_id": "alice", "keys": [{"user": "alice", "access_key": "` + id + `", "secret_key": "` + secret + `"}], "swift_keys": [], "max_buckets": 1000}`,
			"json of MinIO":       `{"url":"http://127.0.0.1:9000","accessKey":"` + id + `","secretKey":"` + secret + `","api":"s3v4","path":"auto"}`,
			"mc":                  "Access Key: " + id + "\nSecret Key: " + secret + "\nExpiration: no-expiry\n",
			"credentials file":    "[work]\naws_secret_access_key = " + secret + "\naws_access_key_id = " + id + "\n",
			"shell":               "export AWS_ACCESS_KEY_ID=" + id + "\nexport AWS_SECRET_ACCESS_KEY='" + secret + "'\n",
			"shell, of MinIO":     "MINIO_ACCESS_KEY=\"" + id + "\"\nMINIO_SECRET_KEY=\"" + secret + "\"\n",
			"the two":             id + " " + secret,
			"the two, in quotes":  `"` + id + `" "` + secret + `"`,
			"one in each of two":  id + "\r\n" + secret + "\r\n",
			"separated by colons": id + ":" + secret,
		} {
			key, err := ParseAccessKey("stdin", text, false)
			if err != nil || key.ID != id || key.Secret.Reveal() != secret {
				t.Errorf("%s: %s, %v", name, key.ID, err)
			}
			if _, err := ParseAccessKey("stdin", text, true); fault.KindOf(err) != fault.Usage || id != someID && fault.Remedy(err) != creds.GiveOwnEndpoint {
				t.Errorf("%s, of AWS: %v", name, err)
			}
		}
	}
}

func FuzzParseAccessKey(f *testing.F) {
	f.Add(someID + "," + someSecret)
	f.Add("{\"\\/\"")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseAccessKey("stdin", text, true)
		if (err == nil) != (key.Check("", true) == nil) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
