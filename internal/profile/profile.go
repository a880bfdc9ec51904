// Package profile finds the settings of one profile: from flags, from our profiles.ini and from the AWS
// config and credentials files, which it reads as the AWS tools do. Resolve (resolve.go) says which of
// them takes precedence, identify (identity.go) which identity is meant.
//
// The files are read once, whole, and only scanned for section headers. Then the few sections that
// matter are parsed, so that a config of ten thousand profiles costs hardly more than a config of one.
// AWS_PROFILE and all credential variables are never read: they belong to the program that runs us.
//
// The warm path runs through this package, so it imports only what Go initializes early (see package
// warm). Package edit, below it, changes the files.
package profile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/creds"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/fault"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/securefile"
)

// Flags are the settings given on the command line; "" means not given.
type Flags struct {
	RoleARN         string // --role-arn
	RoleSessionName string // --role-session-name
	ExternalID      string // --external-id
	Duration        string // --duration: as "12h", or in seconds
}

// Args returns the flags that are set, as arguments of get.
func (f Flags) Args() (args []string) {
	for _, flag := range [][2]string{
		{"--role-arn", f.RoleARN}, {"--role-session-name", f.RoleSessionName}, {"--external-id", f.ExternalID}, {"--duration", f.Duration},
	} {
		if flag[1] != "" {
			args = append(args, flag[0], flag[1])
		}
	}
	return args
}

// Over returns the flags in place of those of other. Only what is not given remains of them.
func (f Flags) Over(other Flags) Flags {
	return Flags{
		RoleARN: cmp.Or(f.RoleARN, other.RoleARN), RoleSessionName: cmp.Or(f.RoleSessionName, other.RoleSessionName),
		ExternalID: cmp.Or(f.ExternalID, other.ExternalID), Duration: cmp.Or(f.Duration, other.Duration),
	}
}

// Words returns the flags as a shell reads them, each with a space before it.
func (f Flags) Words() (words string) {
	for _, arg := range f.Args() {
		words += " " + fault.Shell(arg)
	}
	return words
}

// Env is what the environment contributes.
type Env struct {
	// Getenv reads a variable: os.Getenv in earnest.
	Getenv func(string) string

	// Identity reports that the environment itself provides the access key (the env
	// store). Where there are no files, profiles then need not exist.
	Identity    bool
	AccessKeyID string // of that access key; "" unknown

	// Serial has the serials of the MFA devices as the environment gives them, or "". It
	// goes before those of the files, because whoever set it set the seed with it.
	Serial string

	// IAM says that access key and MFA device are to be managed: it asks for the endpoint of IAM as
	// well, because of which a get must not fail, and not for what is registered on top of them.
	IAM bool

	// New is the name of a profile that is about to be written: it need not exist yet.
	New string

	// CheckURL returns the host of a URL that replaces an endpoint, or what is wrong with
	// it. It may be nil for who only looks a session up: the cache has none for an endpoint
	// that was not checked when the session was minted.
	CheckURL func(text string) (host string, err error)
}

// Settings is everything that has to be known to get the credentials of one
// profile.
type Settings struct {
	Profile     string // the one asked for
	Identity    string // the end of the source_profile chain: it owns the access key and the MFA device
	Store       string // the identity's store as profiles.ini says, or ""
	KeyStore    string // where its access key rests: key_store in profiles.ini, else Store
	SeedStore   string // where its seed rests: seed_store in profiles.ini, else Store
	AccessKeyID string // of the identity's access key; "" unknown
	Serial      string // of the MFA device, validated; "" unknown

	// Others are the serials of the further MFA devices, where the user has a pool of them. What Serial names
	// goes first, and stands for all of them in the names of sessions.
	Others []string

	Duration time.Duration // of the base session: 900 s to 36 h, default 12 h

	SharedCache string // what profiles.ini says of it, not parsed; "": nothing

	// Roles are in the order they are assumed, from the identity outwards. There are
	// none if the base session itself is wanted.
	Roles []creds.Role

	Partition   string // "aws", "aws-cn", ...
	Region      string // of the STS endpoint; it belongs to Partition
	Endpoint    string // a URL that replaces the region's endpoint, or ""
	IAMEndpoint string // the same for IAM, if it was asked for
	FIPS        bool
	DualStack   bool
	CABundle    string   // path of a PEM file, or ""
	MFAProcess  []string // program that prints a token code, with its arguments; or none

	// Notes are things worth telling that are no failures: clamped durations,
	// duplicate sections, a region of another partition. One line each; they may
	// quote the files.
	Notes []string
}

// Devices returns the serials of all MFA devices.
func (s Settings) Devices() []string {
	if s.Serial == "" {
		return nil
	}
	return append([]string{s.Serial}, s.Others...)
}

// Files are the files that settings come from, read once. They may be used for any
// number of profiles, but not concurrently.
type Files struct {
	AWS         *File // the AWS config
	Credentials *File // the AWS credentials file, which may have any setting too
	Own         *File // profiles.ini
	paths       Paths
}

// Load reads the files at paths; missing ones, and those whose path is "", are
// empty. It fails with a *fault.Error of kind Filesystem for a file that cannot be
// read, and of kind Config for one that is no configuration at all.
func Load(paths Paths) (*Files, error) {
	f := &Files{paths: paths}
	for _, one := range []struct {
		file    **File
		path    string
		dialect Dialect
	}{{&f.AWS, paths.AWSConfig, AWSConfig}, {&f.Credentials, paths.AWSCredentials, AWSCredentials}, {&f.Own, paths.Own, Plain}} {
		data, _, err := Read(one.path)
		if err != nil {
			return nil, err
		}
		if *one.file, err = Parse(one.path, one.dialect, data); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// WithConfig returns the files as they are with text in the AWS config.
func (f *Files) WithConfig(text string) (*Files, error) {
	config, err := Parse(f.paths.AWSConfig, AWSConfig, text)
	return &Files{AWS: config, Credentials: f.Credentials, Own: f.Own, paths: f.paths}, err
}

// all returns the files, the most telling first: as the AWS CLI and the SDKs have it, what the
// credentials file says of a profile goes before what the config says (botocore, Session.full_config).
func (f *Files) all() []*File { return []*File{f.Own, f.Credentials, f.AWS} }

// Names returns the names of all profiles, sorted, each once.
func (f *Files) Names() []string {
	var names []string
	for _, file := range f.all() {
		names = append(names, file.Names()...)
	}
	return sorted(names)
}

// MaxSize is how many bytes of a file are read: far above any config, and below what hurts.
const MaxSize = 64 << 20

// Read returns the content of the file at path and what else is known of it, or nothing
// if there is none. The null device counts as none: AWS_CONFIG_FILE=/dev/null is a common
// way to say so. No other user may be able to change the file or put another in its place: it says
// which endpoint gets the token codes, and what is run.
func Read(path string) (string, fs.FileInfo, error) {
	if path == "" || path == os.DevNull {
		return "", nil, nil
	}
	f, info, err := securefile.OpenTrusted(path)
	switch {
	case os.IsNotExist(err) || errors.Is(err, syscall.ENOTDIR): // or it is below what is no directory
		return "", nil, nil
	case errors.Is(err, securefile.ErrNotRegular) && info != nil && info.IsDir():
		return "", nil, fault.New(fault.Config, path, "name a file", "is a directory")
	case errors.Is(err, securefile.ErrNotRegular):
		return "", nil, fault.New(fault.Config, path, "name a regular file", "is not a regular file")
	case fault.KindOf(err) == fault.Permissions:
		return "", nil, err
	case err != nil:
		return "", nil, Unreadable(path, err)
	}
	defer f.Close()
	if info.Size() > MaxSize {
		return "", nil, TooLarge(path)
	}
	data, err := readAll(path, f, info.Size())
	return data, info, err
}

// readAll reads a file of about size bytes. It may grow while it is read, but not beyond the cap.
func readAll(path string, f io.Reader, size int64) (string, error) {
	b := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	n, err := b.ReadFrom(io.LimitReader(f, MaxSize+1))
	switch {
	case err != nil:
		return "", Unreadable(path, err)
	case n > MaxSize:
		return "", TooLarge(path)
	}
	return unsafe.String(unsafe.SliceData(b.Bytes()), b.Len()), nil //nolint:gosec // nobody else has the bytes, and a copy of a large file takes long
}

// TooLarge is the failure of a file above MaxSize.
func TooLarge(path string) error {
	return fault.New(fault.Config, path, "name the right file", "is larger than %d MiB", MaxSize>>20)
}

// Unreadable tells why a file that exists cannot be read, and the mode of what is in the way: the file, or
// a directory above it.
func Unreadable(path string, err error) error {
	cause, remedy := securefile.Reason(err), "put a readable file in its place"
	if errors.Is(err, fs.ErrPermission) {
		at, may := path, "u+r"
		info, failed := os.Stat(at)
		for errors.Is(failed, fs.ErrPermission) {
			at, may = join(at, ".."), "u+x"
			info, failed = os.Stat(at)
		}
		switch {
		case failed != nil:
		case !securefile.Owned(info):
			return securefile.Foreign(at, info)
		default:
			cause += fmt.Sprintf(" (mode %s of %s)", info.Mode(), at)
			remedy = "run: " + fault.Chmod(may, at)
		}
	}
	bad := fault.New(fault.Filesystem, path, remedy, "cannot be read: %s", cause)
	bad.Err = err
	return bad
}
