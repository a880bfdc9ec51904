package awsapi

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
)

// FuzzAnswer has AWS, or whoever, answer anything. Each call ends, and an error has
// one line without the codes and the key that were sent.
func FuzzIAMAnswer(f *testing.F) {
	const list = "<ListMFADevicesResponse><ListMFADevicesResult>"
	f.Add(200, "<CreateVirtualMFADeviceResponse><CreateVirtualMFADeviceResult><VirtualMFADevice><SerialNumber>a</SerialNumber>"+
		"<Base32StringSeed>R0VaREdOQlZHWTNUUU9KUUdFWkRHTkJWR1kzVFFPSlE=</Base32StringSeed></VirtualMFADevice></CreateVirtualMFADeviceResult></CreateVirtualMFADeviceResponse>")
	f.Add(200, "<CreateVirtualMFADeviceResponse/>")
	f.Add(200, list+"<IsTruncated>true</IsTruncated><Marker>m</Marker></ListMFADevicesResult></ListMFADevicesResponse>")
	f.Add(200, list+"<MFADevices><member/><member><EnableDate>x</EnableDate></member></MFADevices></ListMFADevicesResult></ListMFADevicesResponse>")
	f.Add(200, "<EnableMFADeviceResponse/>")
	f.Add(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: 739164 is not authorized to perform: with an explicit deny</Message></Error></ErrorResponse>")
	f.Add(403, "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>")
	f.Add(500, "<ErrorResponse>")
	f.Add(302, "")
	secret, first, second := "CANARYsecretACCESSkeyCANARYsecretACCESSk", "739164", "204816"
	f.Fuzz(func(t *testing.T, status int, body string) {
		client := New(Options{Region: "us-east-1", Getenv: noEnv, Now: time.Now}).Account(
			creds.AccessKey{ID: "AKIAIOSFODNN7EXAMPLE", Secret: creds.NewSecret(secret)}, creds.Secret{},
		)
		client.client.fetch = func(*http.Request) (*answer, error) {
			return &answer{status: status, header: http.Header{}, body: []byte(body)}, nil
		}
		device, createErr := client.CreateVirtualMFADevice(t.Context(), "name")
		if createErr == nil && (device.Serial == "" || device.Seed.IsZero()) {
			t.Error("a device without serial or seed")
		}
		_, listErr := client.ListMFADevices(t.Context(), "")
		enableErr := client.EnableMFADevice(t.Context(), Pair{User: "alice", Serial: spare, First: creds.NewSecret(first), Second: creds.NewSecret(second)})
		checkLine(t, createErr, secret)
		checkLine(t, listErr, secret)
		checkLine(t, enableErr, secret, first, second)
	})
}

// checkLine fails unless err is nil or has a line that is one, without secrets.
func checkLine(t *testing.T, err error, secrets ...string) {
	t.Helper()
	if err == nil {
		return
	}
	line := fault.Line(err)
	if _, ok := errors.AsType[*Error](err); !ok || strings.ContainsAny(line, "\n\x1b") {
		t.Errorf("%T: %q", err, line)
	}
	for _, secret := range secrets {
		if strings.Contains(line, secret) {
			t.Errorf("%q leaks in %q", secret, line)
		}
	}
}
