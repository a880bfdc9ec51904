package endpoint

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
)

// rate is how many requests a second are sent in BenchmarkRequests.
const rate = 2000

// BenchmarkRequests sends 2000 requests a second to an endpoint, with the right token, and with one wrong token
// beside each, and to a handler that answers a constant of the same size. Compare only figures of one run.
func BenchmarkRequests(b *testing.B) {
	from := &sessions{asked: map[string]int{}, slow: 2 * time.Millisecond, long: 1200} // a look at the cache
	s, err := Start(b.Context(), Options{Profiles: []string{"work"}, Source: from.get, Now: time.Now, Log: func(string) {}}, fixed{})
	if err != nil {
		b.Fatal(err)
	}
	s.Settle(b.Context())
	body := make([]byte, 1500)
	constant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	defer constant.Close()
	right, wrong := s.Token(), creds.NewSecret("wrong")
	b.Run("constant", func(b *testing.B) { paced(b, constant.URL, right) })
	b.Run("endpoint", func(b *testing.B) { paced(b, s.URI("work"), right) })
	b.Run("endpoint beside wrong tokens", func(b *testing.B) { paced(b, s.URI("work"), right, wrong) })
}

// fixed is a source of numbers that are anything but random.
type fixed struct{}

func (fixed) Read(p []byte) (int, error) { return len(p), nil }

// paced sends a request with each token at each tick, and reports how long those with the first one take, from
// when they were due.
func paced(b *testing.B, uri string, tokens ...creds.Secret) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	send := func(token creds.Secret) int {
		request, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, uri, nil)
		request.Header.Set("Authorization", token.Reveal())
		response, err := client.Do(request)
		if err != nil {
			return 0
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return response.StatusCode
	}
	var mu sync.Mutex
	var took []time.Duration
	var group sync.WaitGroup
	due := time.Now()
	for b.Loop() {
		due = due.Add(time.Second / rate)
		time.Sleep(time.Until(due))
		was := due
		for i, token := range tokens {
			group.Go(func() {
				status := send(token)
				if i > 0 {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if took = append(took, time.Since(was)); status != http.StatusOK {
					b.Errorf("status %d", status)
				}
			})
		}
	}
	group.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100])/1e3, "p99-µs")
}
