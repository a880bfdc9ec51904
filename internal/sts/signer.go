package sts

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signer signs for the corrected time. The SDK's own correction starts from the
// machine's clock and comes only after a refusal.
type signer struct {
	inner *v4.Signer
	now   func() time.Time
}

func newSigner(now func() time.Time) signer { return signer{v4.NewSigner(), now} }

// SignHTTP implements the SDK's HTTPSignerV4. It disregards the time it is given.
func (s signer) SignHTTP(
	ctx context.Context, key aws.Credentials, r *http.Request, payloadHash, service, region string, _ time.Time, optFns ...func(*v4.SignerOptions),
) error {
	return s.inner.SignHTTP(ctx, key, r, payloadHash, service, region, s.now(), optFns...)
}
