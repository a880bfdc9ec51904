package cache

import (
	"path/filepath"
	"testing"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

func benchmarkGet(b *testing.B, keys KeySource) {
	o := testOptions(filepath.Join(b.TempDir(), "cache"))
	o.Keys = keys
	put(b, openCache(b, o), id("a"), session("a"))
	b.ReportAllocs()
	for b.Loop() {
		c, err := Open(o)
		if err != nil {
			b.Fatal(err)
		}
		if _, ok := c.Get(id("a")); !ok {
			b.Fatal("a miss")
		}
		c.Close()
	}
}

// BenchmarkGetDerivedKey is the warm path with the env store: open, derive, read, unseal.
func BenchmarkGetDerivedKey(b *testing.B) {
	benchmarkGet(b, KeyFunc(func() (Key, error) { return testKey(), nil }))
}

// BenchmarkGetKeyFile is the warm path where the key rests in a file.
func BenchmarkGetKeyFile(b *testing.B) {
	f := keyFile{filepath.Join(b.TempDir(), "config"), securefile.MakeDir}
	if _, err := f.create(make([]byte, keySize)); err != nil {
		b.Fatal(err)
	}
	benchmarkGet(b, KeyFunc(func() (Key, error) { return stored(f.read()) }))
}

func BenchmarkPut(b *testing.B) {
	c := newCache(b)
	b.ReportAllocs()
	for b.Loop() {
		put(b, c, id("a"), session("a"))
	}
}

func BenchmarkLoad(b *testing.B) {
	scope := newCache(b).Scope("device")
	if err := scope.Save(someRecord()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(scope.Load().Sent) == 0 {
			b.Fatal("nothing there")
		}
	}
}

func BenchmarkSave(b *testing.B) {
	scope := newCache(b).Scope("device")
	b.ReportAllocs()
	for b.Loop() {
		if err := scope.Save(someRecord()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTryLock(b *testing.B) {
	scope := newCache(b).Scope("device")
	b.ReportAllocs()
	for b.Loop() {
		unlock, held, err := scope.TryLock()
		if err != nil || !held {
			b.Fatal(held, err)
		}
		unlock()
	}
}
