package main

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// TestBucketRefuses has the AWS CLI ask the bucket with credentials that are right, and with some that are not.
func TestBucketRefuses(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(debianAWS); err != nil {
		t.Skip("SKIPPED: the AWS CLI is missing: " + installing)
	}
	server, err := sandbox.Start(sandbox.Options{Now: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	w, err := newWire(server)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	world := server.World()
	key := world.User("alice").Keys[0]
	body := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(body, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	put := "s3api put-object --bucket " + bucketName + " --key a/b --body " + body
	for _, test := range []struct{ name, secret, token, args, want string }{
		{"right", key.Secret, "", put, "ETag"},
		{"listed", key.Secret, "", "s3 ls s3://" + bucketName + "/a/", " 7 b"},
		{"read", key.Secret, "", "s3 cp s3://" + bucketName + "/a/b -", "content"},
		{"wrong secret", strings.Repeat("x", 40), "", put, "SignatureDoesNotMatch"},
		{"token of nobody", key.Secret, "token", put, "InvalidAccessKeyId"},
		{"other bucket", key.Secret, "", "s3 ls s3://other", "NoSuchBucket"},
	} {
		cmd := exec.Command(debianAWS, append(strings.Fields(test.args), "--endpoint-url", w.url(), "--region", "us-east-1")...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_ACCESS_KEY_ID=" + key.ID, "AWS_SECRET_ACCESS_KEY=" + test.secret, "AWS_SESSION_TOKEN=" + test.token}
		if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), test.want) {
			t.Errorf("%s: %s, want %s", test.name, out, test.want)
		}
	}
}
