// Package awshttp makes one HTTP request to AWS and knows afterwards what became
// of it. The clients of STS and IAM share it: their SDK serialises, signs and
// parses; the connection, its limits and the words for its failures are here,
// because what is known about a lost request depends on the connection.
//
// A request is never repeated and never follows a redirect: a token code must
// not be sent twice (RFC 6238 section 5.2).
package awshttp
