package profile

// The keys of both files, as constants. Those of the AWS config that are of no concern to us are
// skipped; in profiles.ini there are no others.
const (
	KeyStore          = "store"         // profiles.ini only
	KeyKeyStore       = "key_store"     // profiles.ini only: where the access key rests, if not in store
	KeySeedStore      = "seed_store"    // profiles.ini only: where the seed rests, if not in store
	KeyRegistered     = "registered"    // profiles.ini only: what register changed in the AWS config
	KeyAccessKeyID    = "access_key_id" // profiles.ini only
	KeyDuration       = "duration"      // profiles.ini only: as "12h"
	KeySerial         = "mfa_serial"
	KeyProcess        = "mfa_process"
	KeyRole           = "role_arn"
	KeySource         = "source_profile"
	KeyExternalID     = "external_id"
	KeySessionName    = "role_session_name"
	KeySeconds        = "duration_seconds"
	KeyRegion         = "region"
	KeyEndpoint       = "endpoint_url"
	KeyServices       = "services"
	KeyIgnoreEndpoint = "ignore_configured_endpoint_urls"
	KeyFIPS           = "use_fips_endpoint"
	KeyDualStack      = "use_dualstack_endpoint"
	KeyCABundle       = "ca_bundle"

	// KeyRegional is accepted and not looked at: the endpoint is always regional,
	// because tokens of the global one fail in opt-in regions.
	KeyRegional = "sts_regional_endpoints"

	// KeyCommand is what the SDKs run. Its value is shown, never run or relied on, so
	// it is not checked.
	KeyCommand = "credential_process"

	// KeyOutput is the AWS CLI's; register writes it.
	KeyOutput = "output"

	// The blocks of the services in a services section.
	KeySTS = "sts"
	KeyIAM = "iam"
)

// sharedKeys are the keys that both files know.
func sharedKeys() []string {
	return []string{
		KeySerial, KeyProcess, KeyRole, KeySource, KeyExternalID, KeySessionName, KeySeconds, KeyRegion, KeyEndpoint,
		KeyServices, KeyIgnoreEndpoint, KeyFIPS, KeyDualStack, KeyCABundle, KeyRegional,
	}
}

// ownKeys are the keys of profiles.ini.
func ownKeys() []string {
	return append(sharedKeys(), KeyStore, KeyKeyStore, KeySeedStore, KeyAccessKeyID, KeyDuration, KeyRegistered)
}
