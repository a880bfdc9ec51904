package keystore

import (
	"strings"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/keystore/envstore"
)

// ParseAccessKey finds the access key in text: the CSV file of the console, the JSON of
// `aws iam create-access-key`, lines of ~/.aws/credentials, assignments of a shell, or just id
// and secret. where says where the text is from. The error is a *fault.Error of kind Usage, and
// shows nothing of the text.
func ParseAccessKey(where, text string) (creds.AccessKey, error) {
	var ids, secrets []string
	text = strings.ReplaceAll(text, `\/`, "/") // JSON may write it so
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !inSecret(r) }) {
		switch {
		case creds.IsAccessKeyID(word):
			ids = addNew(ids, word)
		case creds.IsAccessKeyID(strings.Replace(word, "ASIA", "AKIA", 1)):
			return creds.AccessKey{}, fault.New(fault.Usage, where, "give the access key of the IAM user, AKIA...",
				"holds a temporary access key, and GetSessionToken needs a long-lived one")
		case len(word) == envstore.SecretLength:
			secrets = addNew(secrets, word)
		}
	}
	remedy := "give the id (AKIA...) and the secret access key, as the console or the AWS CLI showed them"
	switch {
	case len(ids) == 0:
		return creds.AccessKey{}, fault.New(fault.Usage, where, remedy, "there is no access key id")
	case len(ids) > 1:
		return creds.AccessKey{}, fault.New(fault.Usage, where, "give one alone", "there are %d access keys", len(ids))
	case len(secrets) == 0:
		return creds.AccessKey{}, fault.New(fault.Usage, where, remedy, "there is an access key id, but no secret access key of %d characters", envstore.SecretLength)
	case len(secrets) > 1:
		return creds.AccessKey{}, fault.New(fault.Usage, where, "give the access key alone", "there are %d texts that could be the secret access key", len(secrets))
	}
	return creds.AccessKey{ID: ids[0], Secret: creds.NewSecret(secrets[0])}, nil
}

// inSecret reports the characters of a secret access key: those of base64.
func inSecret(r rune) bool {
	return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '/'
}

func addNew(list []string, word string) []string {
	for _, present := range list {
		if present == word {
			return list
		}
	}
	return append(list, word)
}
