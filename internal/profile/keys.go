package profile

// The keys of both files. Those of the AWS config that are of no concern to us are
// skipped; in profiles.ini there are no others.
const (
	keyStore          = "store"         // profiles.ini only
	keyKeyStore       = "key_store"     // profiles.ini only: where the access key rests, if not in store
	keySeedStore      = "seed_store"    // profiles.ini only: where the seed rests, if not in store
	keyRegistered     = "registered"    // profiles.ini only: what register changed in the AWS config
	keyAccessKeyID    = "access_key_id" // profiles.ini only
	keyDuration       = "duration"      // profiles.ini only: as "12h"
	keySerial         = "mfa_serial"
	keyProcess        = "mfa_process"
	keyRole           = "role_arn"
	keySource         = "source_profile"
	keyExternalID     = "external_id"
	keySessionName    = "role_session_name"
	keySeconds        = "duration_seconds"
	keyRegion         = "region"
	keyEndpoint       = "endpoint_url"
	keyServices       = "services"
	keyIgnoreEndpoint = "ignore_configured_endpoint_urls"
	keyFIPS           = "use_fips_endpoint"
	keyDualStack      = "use_dualstack_endpoint"
	keyCABundle       = "ca_bundle"

	// keyRegional is accepted and not looked at: the endpoint is always regional,
	// because tokens of the global one fail in opt-in regions.
	keyRegional = "sts_regional_endpoints"

	// keyCommand is what the SDKs run. Its value is shown, never run or relied on, so
	// it is not checked.
	keyCommand = "credential_process"

	// keyOutput is the AWS CLI's; register writes it.
	keyOutput = "output"

	// The blocks of the services in a services section.
	keySTS = "sts"
	keyIAM = "iam"
)

// sharedKeys are the keys that both files know.
func sharedKeys() []string {
	return []string{
		keySerial, keyProcess, keyRole, keySource, keyExternalID, keySessionName, keySeconds, keyRegion, keyEndpoint,
		keyServices, keyIgnoreEndpoint, keyFIPS, keyDualStack, keyCABundle, keyRegional,
	}
}

// ownKeys are the keys of profiles.ini.
func ownKeys() []string {
	return append(sharedKeys(), keyStore, keyKeyStore, keySeedStore, keyAccessKeyID, keyDuration, keyRegistered)
}
