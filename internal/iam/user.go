package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/account"
)

// GetUser returns the IAM user who signs. Many self-service policies deny it;
// STS GetCallerIdentity tells the name without a permission.
func (c *Client) GetUser(ctx context.Context) (account.User, error) {
	out, t, err := do(ctx, c, subject{action: "GetUser"}, func(api *awsiam.Client) (*awsiam.GetUserOutput, error) {
		return api.GetUser(ctx, &awsiam.GetUserInput{})
	})
	if err != nil {
		return account.User{}, err
	}
	if out.User == nil || aws.ToString(out.User.Arn) == "" {
		return account.User{}, t.useless("its answer names no user")
	}
	u := out.User
	return account.User{
		Name: aws.ToString(u.UserName), ARN: *u.Arn, ID: aws.ToString(u.UserId), Path: aws.ToString(u.Path), Created: aws.ToTime(u.CreateDate),
	}, nil
}
