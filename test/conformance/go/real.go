package main

import (
	"context"

	awsv1 "github.com/aws/aws-sdk-go/aws"
	sessionv1 "github.com/aws/aws-sdk-go/aws/session"
	stsv1 "github.com/aws/aws-sdk-go/service/sts"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
)

func openV2(ctx context.Context, profile, endpoint string) (asker, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(profile))
	return identify(c, endpoint), err
}

func openBase(ctx context.Context, profile, endpoint string) (asker, error) {
	// It asks for credentials here already, as Terraform does when it configures a provider.
	_, c, diagnostics := awsbase.GetAwsConfig(ctx, &awsbase.Config{Profile: profile, Region: "us-east-1", SkipCredsValidation: true})
	for _, d := range diagnostics {
		return nil, diagnosticError(d.Summary() + ": " + d.Detail())
	}
	return identify(c, endpoint), nil
}

type diagnosticError string

func (e diagnosticError) Error() string { return string(e) }

func identify(c aws.Config, endpoint string) asker {
	client := sts.NewFromConfig(c, func(o *sts.Options) { o.BaseEndpoint = &endpoint })
	return func(ctx context.Context) error {
		_, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	}
}

func openV1(profile, endpoint string) (asker, error) {
	s, err := sessionv1.NewSessionWithOptions(sessionv1.Options{Profile: profile, SharedConfigState: sessionv1.SharedConfigEnable})
	if err != nil {
		return nil, err
	}
	client := stsv1.New(s, awsv1.NewConfig().WithEndpoint(endpoint))
	return func(ctx context.Context) error {
		_, err := client.GetCallerIdentityWithContext(ctx, &stsv1.GetCallerIdentityInput{})
		return err
	}, nil
}
