package main

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// otherService is the action of every call to another service than STS and IAM.
const otherService = "other service"

// answers are what services say to the one call that a tool makes of each, if it is signed well.
var answers = map[string]string{
	"ecr": `{"authorizationData":[{"authorizationToken":"QVdTOnBhc3N3b3Jk","expiresAt":4102444800,"proxyEndpoint":"https://123456789012.dkr.ecr.us-east-1.amazonaws.com"}]}`,
	"eks": `{"clusters":[],"clusterVersions":[{"clusterVersion":"1.32","defaultVersion":true}]}`,
	"ec2": `<DescribeImagesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId><imagesSet/></DescribeImagesResponse>`,
	"cloudformation": `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>` +
		`<StackName>shop-dev</StackName><StackId>arn:aws:cloudformation:us-east-1:123456789012:stack/shop-dev/1</StackId><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>` +
		`<Outputs><member><OutputKey>ServerlessDeploymentBucketName</OutputKey><OutputValue>` + bucketName + `</OutputValue></member></Outputs>` +
		`</member></Stacks></DescribeStacksResult><ListStacksResult><StackSummaries/></ListStacksResult></DescribeStacksResponse>`,
}

func (w *wire) answer(out http.ResponseWriter, r *http.Request, service string) {
	body, _ := io.ReadAll(r.Body)
	status := http.StatusOK
	if _, refused := w.sandbox.Verify(r, service, hashHex(body)); refused != "" {
		status = http.StatusForbidden
		out.Header().Set("X-Amzn-Errortype", refused)
	}
	w.record(call{otherService, signedBy(r), status}, nil)
	out.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if strings.HasPrefix(answers[service], "<") {
		out.Header().Set("Content-Type", "text/xml")
	}
	out.WriteHeader(status)
	if status == http.StatusOK {
		_, _ = io.WriteString(out, answers[service])
	}
}

// The API of a Kubernetes cluster whose nodes trust IAM.
const (
	clusterPath = "/version"
	clusterName = "shop"
)

// cluster lets in who shows a token of EKS, which is a request to STS that somebody has signed: it makes
// that request, as the authenticator of a cluster does.
func (w *wire) cluster(out http.ResponseWriter, r *http.Request, sts http.Handler) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer k8s-aws-v1.")
	text, err := base64.RawURLEncoding.DecodeString(token)
	signed, urlErr := url.Parse(string(text))
	if err != nil || urlErr != nil || signed.Query().Get("Action") != "GetCallerIdentity" {
		http.Error(out, "Unauthorized", http.StatusUnauthorized)
		return
	}
	question := httptest.NewRequest(http.MethodGet, signed.RequestURI(), nil).WithContext(r.Context())
	question.Host = signed.Host
	question.Header.Set("X-K8s-Aws-Id", clusterName)
	identity := httptest.NewRecorder()
	if sts.ServeHTTP(identity, question); identity.Code != http.StatusOK {
		http.Error(out, "Unauthorized", http.StatusUnauthorized)
		return
	}
	out.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(out, `{"major":"1","minor":"34"}`)
}

// repositoryPath is where CodeCommit has its repositories.
const repositoryPath = "/v1/repos/"

// repository is a repository of CodeCommit, with one branch. The user name is the access key id and the session
// token. The password, a signature over the path, is not verified: no other service signs so.
func (w *wire) repository(out http.ResponseWriter, r *http.Request) {
	user, _, ok := r.BasicAuth()
	if !ok {
		out.Header().Set("WWW-Authenticate", "Basic")
		http.Error(out, "who are you?", http.StatusUnauthorized)
		return
	}
	key, _, _ := strings.Cut(user, "%")
	w.record(call{otherService, key, http.StatusOK}, nil)
	out.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(out, strings.Repeat("1", 40)+"\trefs/heads/main\n")
}
