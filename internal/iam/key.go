package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// CreateAccessKey makes an access key for a user; "" is the caller. A user can have
// two. When the call is account.Lost the key may exist, and its secret is gone: find
// it with ListAccessKeys and delete it.
func (c *Client) CreateAccessKey(ctx context.Context, user string) (account.NewKey, error) {
	about := subject{action: "CreateAccessKey", user: user}
	out, t, err := do(ctx, c, about, func(api *awsiam.Client) (*awsiam.CreateAccessKeyOutput, error) {
		return api.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: optional(user)})
	})
	if err != nil {
		return account.NewKey{}, err
	}
	defer t.Forget()
	key := out.AccessKey
	if key == nil || aws.ToString(key.AccessKeyId) == "" || aws.ToString(key.SecretAccessKey) == "" {
		return account.NewKey{}, t.useless("its answer has no access key")
	}
	return account.NewKey{
		AccessKey: creds.AccessKey{ID: *key.AccessKeyId, Secret: creds.NewSecret(*key.SecretAccessKey)},
		User:      aws.ToString(key.UserName),
		Created:   aws.ToTime(key.CreateDate),
	}, nil
}

// UpdateAccessKey makes an access key of a user active or inactive; "" is the caller.
func (c *Client) UpdateAccessKey(ctx context.Context, user, id string, active bool) error {
	status := types.StatusTypeInactive
	if active {
		status = types.StatusTypeActive
	}
	about := subject{action: "UpdateAccessKey", user: user, key: id}
	_, _, err := do(ctx, c, about, func(api *awsiam.Client) (*awsiam.UpdateAccessKeyOutput, error) {
		return api.UpdateAccessKey(ctx, &awsiam.UpdateAccessKeyInput{UserName: optional(user), AccessKeyId: aws.String(id), Status: status})
	})
	return err
}

// DeleteAccessKey deletes an access key of a user for good; "" is the caller.
func (c *Client) DeleteAccessKey(ctx context.Context, user, id string) error {
	about := subject{action: "DeleteAccessKey", user: user, key: id}
	_, _, err := do(ctx, c, about, func(api *awsiam.Client) (*awsiam.DeleteAccessKeyOutput, error) {
		return api.DeleteAccessKey(ctx, &awsiam.DeleteAccessKeyInput{UserName: optional(user), AccessKeyId: aws.String(id)})
	})
	return err
}

// ListAccessKeys returns the access keys of a user; "" is the caller. It takes one
// request for each page.
func (c *Client) ListAccessKeys(ctx context.Context, user string) ([]account.Key, error) {
	about := subject{action: "ListAccessKeys", user: user}
	return pages(func(marker *string) (page[account.Key], *try, error) {
		out, t, err := do(ctx, c, about, func(api *awsiam.Client) (*awsiam.ListAccessKeysOutput, error) {
			return api.ListAccessKeys(ctx, &awsiam.ListAccessKeysInput{UserName: optional(user), Marker: marker})
		})
		if err != nil {
			return page[account.Key]{}, t, err
		}
		got := page[account.Key]{marker: aws.ToString(out.Marker), more: out.IsTruncated}
		for _, k := range out.AccessKeyMetadata {
			got.items = append(got.items, account.Key{
				ID: aws.ToString(k.AccessKeyId), User: aws.ToString(k.UserName),
				Active: k.Status == types.StatusTypeActive, Created: aws.ToTime(k.CreateDate),
			})
		}
		return got, t, nil
	})
}

// GetAccessKeyLastUsed tells when an access key of the account was last used. AWS
// answers an id that does not exist as one that the caller may not see: Denied.
func (c *Client) GetAccessKeyLastUsed(ctx context.Context, id string) (account.KeyUse, error) {
	about := subject{action: "GetAccessKeyLastUsed", key: id}
	out, _, err := do(ctx, c, about, func(api *awsiam.Client) (*awsiam.GetAccessKeyLastUsedOutput, error) {
		return api.GetAccessKeyLastUsed(ctx, &awsiam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String(id)})
	})
	if err != nil {
		return account.KeyUse{}, err
	}
	use := account.KeyUse{User: aws.ToString(out.UserName)}
	if last := out.AccessKeyLastUsed; last != nil && last.LastUsedDate != nil {
		use.Time, use.Service, use.Region = *last.LastUsedDate, aws.ToString(last.ServiceName), aws.ToString(last.Region)
	}
	return use, nil
}
