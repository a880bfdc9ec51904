package main

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/sandbox"
)

// bucketName is the one bucket.
const bucketName = "sandbox-bucket"

// bucket is as much of S3 as the tools need: one bucket, whose every request has to be signed with what
// the sandbox has issued, chunk by chunk where the body is signed so.
type bucket struct {
	sandbox *sandbox.Server
	mu      sync.Mutex
	objects map[string]object
}

type object struct {
	content []byte
	etag    string
	written time.Time
}

func newBucket(server *sandbox.Server) *bucket {
	return &bucket{sandbox: server, objects: map[string]object{}}
}

// refusals are the statuses of the error codes, where it is not 403; and S3's name for one of them.
var refusals = map[string]int{"ExpiredToken": 400, "IncompleteSignature": 400, "NoSuchBucket": 404, "NoSuchKey": 404, "NotImplemented": 501, "BadDigest": 400}

// serve answers a request, and returns the status.
func (b *bucket) serve(out http.ResponseWriter, r *http.Request) int {
	body, code := b.read(r)
	if code == "" {
		code = b.carryOut(out, r, body)
	}
	if code == "" {
		return http.StatusOK
	}
	if code == "InvalidClientTokenId" {
		code = "InvalidAccessKeyId"
	}
	status := refusals[code]
	if status == 0 {
		status = http.StatusForbidden
	}
	out.Header().Set("Content-Type", "application/xml")
	out.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(out, xml.Header+"<Error><Code>%s</Code><Message>%[1]s</Message><BucketName>%s</BucketName><RequestId>1</RequestId></Error>", code, bucketName)
	}
	return status
}

// read verifies who has signed a request, and returns its body.
func (b *bucket) read(r *http.Request) (body []byte, refused string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, "IncompleteBody"
	}
	stated := r.Header.Get("X-Amz-Content-Sha256")
	if r.URL.Query().Has("X-Amz-Signature") {
		stated = "UNSIGNED-PAYLOAD"
	}
	streamed := strings.HasPrefix(stated, "STREAMING-")
	if sum := hashHex(body); !streamed && stated != "UNSIGNED-PAYLOAD" && stated != sum {
		return nil, "XAmzContentSHA256Mismatch"
	}
	signature, refused := b.sandbox.Verify(r, "s3", stated)
	if refused != "" || !streamed {
		return body, refused
	}
	c := &chunks{in: bufio.NewReader(bytes.NewReader(body)), signature: signature, previous: signature.Value, signed: strings.HasPrefix(stated, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")}
	if err := c.read(); err != nil {
		return nil, "SignatureDoesNotMatch"
	}
	return c.content, ""
}

// chunks reads a body of the encoding aws-chunked.
type chunks struct {
	in        *bufio.Reader
	signature *sandbox.Signature
	signed    bool
	previous  string // signature
	content   []byte
}

var errChunk = errors.New("not a chunk as it was signed")

func (c *chunks) read() error {
	for last := false; !last; {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return err
		}
		length, extension, _ := strings.Cut(strings.TrimSpace(line), ";")
		size, err := strconv.ParseInt(length, 16, 32)
		if err != nil {
			return err
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(c.in, data); err != nil {
			return err
		}
		if want := c.next("AWS4-HMAC-SHA256-PAYLOAD", hashHex(nil), hashHex(data)); c.signed && extension != "chunk-signature="+want {
			return errChunk
		}
		if last = size == 0; !last {
			_, _ = c.in.Discard(len("\r\n"))
		}
		c.content = append(c.content, data...)
	}
	return c.readTrailer()
}

// readTrailer reads the checksums, and their signature.
func (c *chunks) readTrailer() error {
	rest, err := io.ReadAll(c.in)
	if err != nil {
		return err
	}
	var trailer, signed string
	for line := range strings.FieldsFuncSeq(string(rest), func(r rune) bool { return r == '\r' || r == '\n' }) {
		name, value, _ := strings.Cut(line, ":")
		if name == "x-amz-trailer-signature" {
			signed = value
			continue
		}
		trailer += line + "\n"
	}
	if c.signed && trailer != "" && signed != c.next("AWS4-HMAC-SHA256-TRAILER", hashHex([]byte(trailer))) {
		return errChunk
	}
	return nil
}

// next returns the signature of what follows the previous.
func (c *chunks) next(algorithm string, hashes ...string) string {
	c.previous = c.signature.Sign(algorithm, append([]string{c.previous}, hashes...)...)
	return c.previous
}

func hashHex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// carryOut does what a request asks for, and returns an error code or nothing.
func (b *bucket) carryOut(out http.ResponseWriter, r *http.Request, body []byte) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case name == "":
		writeXML(out, "<ListAllMyBucketsResult><Owner><ID>1</ID></Owner><Buckets><Bucket><Name>"+bucketName+"</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>")
	case name != bucketName:
		return "NoSuchBucket"
	case key == "":
		return b.ofBucket(out, r, body)
	case r.Method == http.MethodPut:
		return b.put(out, r, key, body)
	case r.Method == http.MethodDelete:
		delete(b.objects, key)
		out.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return b.get(out, r, key)
	default:
		return "NotImplemented"
	}
	return ""
}

func (b *bucket) put(out http.ResponseWriter, r *http.Request, key string, body []byte) string {
	if source := r.Header.Get("X-Amz-Copy-Source"); source != "" || r.URL.Query().Has("partNumber") {
		return "NotImplemented"
	}
	b.add(key, body)
	out.Header().Set("ETag", b.objects[key].etag)
	return ""
}

func (b *bucket) add(key string, content []byte) {
	sum := md5.Sum(content)
	b.objects[key] = object{content, `"` + hex.EncodeToString(sum[:]) + `"`, b.sandbox.Now()}
}

// store puts an object into the bucket, without a request.
func (b *bucket) store(key string, content []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(key, content)
}

func (b *bucket) get(out http.ResponseWriter, r *http.Request, key string) string {
	o, there := b.objects[key]
	if !there {
		return "NoSuchKey"
	}
	out.Header().Set("ETag", o.etag)
	out.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(out, r, "", o.written, bytes.NewReader(o.content))
	return ""
}

func (b *bucket) ofBucket(out http.ResponseWriter, r *http.Request, body []byte) string {
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodHead:
	case query.Has("location"):
		writeXML(out, `<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>`)
	case r.Method == http.MethodPost && query.Has("delete"):
		return b.deleteMany(out, body)
	case r.Method == http.MethodGet && (query.Has("prefix") || query.Has("list-type") || query.Has("delimiter") || len(query) == 0):
		b.list(out, query.Get("prefix"), query.Get("delimiter"))
	default:
		return "NotImplemented"
	}
	return ""
}

func (b *bucket) deleteMany(out http.ResponseWriter, body []byte) string {
	var wanted struct{ Object []struct{ Key string } }
	if err := xml.Unmarshal(body, &wanted); err != nil {
		return "MalformedXML"
	}
	text := "<DeleteResult>"
	for _, o := range wanted.Object {
		delete(b.objects, o.Key)
		text += "<Deleted>" + element("Key", o.Key) + "</Deleted>"
	}
	writeXML(out, text+"</DeleteResult>")
	return ""
}

// list answers in one page, for both versions of the call.
func (b *bucket) list(out http.ResponseWriter, prefix, delimiter string) {
	text := `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + element("Name", bucketName) + element("Prefix", prefix)
	shown, common := 0, ""
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		if dir, _, inside := strings.Cut(rest, delimiter); delimiter != "" && inside {
			if folder := prefix + dir + delimiter; folder != common {
				common = folder
				text += "<CommonPrefixes>" + element("Prefix", folder) + "</CommonPrefixes>"
				shown++
			}
			continue
		}
		o := b.objects[key]
		text += "<Contents>" + element("Key", key) + element("ETag", o.etag) + element("Size", strconv.Itoa(len(o.content))) +
			element("LastModified", o.written.UTC().Format("2006-01-02T15:04:05.000Z")) + "<StorageClass>STANDARD</StorageClass></Contents>"
		shown++
	}
	writeXML(out, text+element("KeyCount", strconv.Itoa(shown))+"<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>")
}

func element(name, value string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(value))
	return "<" + name + ">" + b.String() + "</" + name + ">"
}

func writeXML(out http.ResponseWriter, text string) {
	out.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(out, xml.Header+text)
}
