package profile

import (
	"strconv"
	"time"
)

// Registered returns what Register has written into the profile name of the AWS config and nobody has
// changed since, but for region and output, and whether Register has written anything there at all. A memory
// that cannot be read is a *fault.Error of kind Config.
func (f *Files) Registered(name string) (r Registration, ok bool, err error) {
	past, err := recall(&edit{name: name, file: f.own})
	if err != nil {
		return r, false, err
	}
	text := func(key string) string {
		if n, ok := f.aws.last(name, key); ok && past.wrote(key, n.value()) {
			return n.value()
		}
		return ""
	}
	seconds, _ := strconv.Atoi(text(keySeconds)) // none: the SDK's default
	return Registration{
		Command: text(keyCommand), RoleARN: text(keyRole), SourceProfile: text(keySource), ExternalID: text(keyExternalID),
		SessionName: text(keySessionName), Duration: time.Duration(seconds) * time.Second,
	}, !past.empty(), nil
}
