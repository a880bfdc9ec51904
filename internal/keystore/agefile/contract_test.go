package agefile_test

import (
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/agefile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/ring"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/term"
)

var (
	_ keystore.Store = (*agefile.Store)(nil)
	_ agefile.Person = (*term.Terminal)(nil)
)

func TestTakesWhatEveryStoreTakes(t *testing.T) {
	t.Parallel()
	if agefile.MaxItem != ring.MaxItem {
		t.Errorf("MaxItem is %d, and that of all stores %d", agefile.MaxItem, ring.MaxItem)
	}
}
