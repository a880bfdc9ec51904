package creds

import (
	"strings"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

func TestIsAccessKeyID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"AKIAIOSFODNN7EXAMPLE": true, "AKIAIOSFODNN7EXA": true, "AKIAIOSFODNN7EX": false, "ASIAIOSFODNN7EXAMPLE": false, "": false,
		"AKIAIOSFODNN7example": false, "AKIAIOSFODNN7EXAMPLE ": false, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP": false,
		"AKIA" + strings.Repeat("A", 28): true, "AKIA" + strings.Repeat("A", 29): false,
	} {
		if got := IsAccessKeyID(id); got != want {
			t.Errorf("%q: %v", id, got)
		}
	}
}

// TestKeysOfOthers has access keys of AWS and of other makers of STS: whose key each can be, and what is
// wrong with those that are nobody's.
func TestKeysOfOthers(t *testing.T) {
	t.Parallel()
	const id, secret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	const (
		anyone = ""
		others = "of AWS"
	)
	for key, want := range map[[2]string]string{
		{id, secret}:       anyone,
		{id, secret[:39]}:  "39 characters, and those " + others,
		{id, secret + "A"}: "41 characters, and those " + others,
		{id, "ceph"}:       "4 characters, and those " + others,

		{"0555b35654ad1656d804", secret}:                       others, // Ceph
		{"WBVMAECC0DJE7ZV9W70M", secret}:                       others,
		{"minioadmin", "minioadmin"}:                           others, // MinIO
		{"Q3AM3UQ867SPQQA43P2F", secret}:                       others,
		{"alice@example.com", "x"}:                             others,
		{"023e105f4ecef8ad9ca31a8372d0c353", secret}:           others,
		{"AKIA" + strings.Repeat("A", 29), secret}:             "is not an access key id", // base32
		{"akiaiosfodnn7example", secret}:                       others,
		{"a", secret}:                                          others,
		{strings.Repeat("a1", 64), secret}:                     others,
		{strings.Repeat("a1", 64) + "a", secret}:               "is not an access key id",
		{"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", secret}:           "is not an access key id",
		{"jbswy3dpehpk3pxpjbswy3dpehpk3pxp", secret}:           "is not an access key id",
		{"otpauth://totp/x?secret=JBSWY3DPEHPK3PXP", secret}:   "looks like a secret",
		{"otpauth://totp/xyz?secret=JBSWY3DPEHPK3PXP", secret}: "is not an access key id",
		{secret, secret}:                                       "looks like a secret",
		{"a/b", secret}:                                        "is not an access key id",
		{"", secret}:                                           "is not an access key id",
		{"ASIAIOSFODNN7EXAMPLE", secret}:                       "temporary",
		{`"minioadmin"`, secret}:                               "is in quotes",
		{"minio\u200badmin", secret}:                           "character 6 is U+200B",
		{id, ""}:                                               "is empty",
		{id, `"x"`}:                                            "is in quotes",
		{id, id}:                                               "holds an access key id",
		{id, "otpauth://totp/x"}:                               "holds a seed",
		{id, "x\u00a0y"}:                                       "character 2 is U+00A0",
	} {
		for _, ofAWS := range []bool{true, false} {
			key := AccessKey{ID: key[0], Secret: NewSecret(key[1])}
			err := key.Check("key", ofAWS)
			switch ok := want == anyone || !ofAWS && strings.HasSuffix(want, others); {
			case ok && err != nil:
				t.Errorf("%q, %t: %v", key.ID, ofAWS, err)
			case !ok && (fault.KindOf(err) != fault.Config || !strings.Contains(fault.Text(err), want) || fault.Remedy(err) == ""):
				t.Errorf("%q, %t: %s, want %q", key.ID, ofAWS, fault.Line(err), want)
			case !ok && len(key.ID) > 20 && strings.Contains(fault.Line(err), key.ID):
				t.Errorf("%s shows it", fault.Line(err))
			}
		}
	}
}
