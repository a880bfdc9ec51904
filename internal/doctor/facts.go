package doctor

import (
	"io/fs"
	"time"

	"github.com/aws-mfa-creds/aws-mfa-creds/internal/cache"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/profile/edit"
	"github.com/aws-mfa-creds/aws-mfa-creds/internal/session"
)

// Facts are all that the rules look at. Errors in it are *fault.Error.
type Facts struct {
	GOOS    string
	Now     time.Time         // this machine's clock
	Env     map[string]string // the variables of Variables that are set
	Stores  []string          // the kinds of stores that this build has
	Program string            // the path of this program, as it is registered

	Unreadable error // why the settings cannot be read at all: then nothing of the profiles is known

	Sections []profile.Section // of the AWS config, all of them
	Profiles []Profile         // those to examine
	Own      []string          // the names of all profiles of profiles.ini

	Dirs  []Dir
	Files []File

	Cache   Cache
	Sealing error // why the sealing key is not in memory of the kernel but in a file; nil otherwise

	Proxy error // what is wrong with HTTPS_PROXY
}

// Dir is a directory of ours.
type Dir struct {
	Path     string
	Settings bool  // it holds profiles.ini
	Problem  error // it is open to others, or belongs to somebody else

	// Left are the temporary files that killed processes have left there.
	Left []string
}

// File is a file of ours, or one of the AWS tools.
type File struct {
	Path    string
	Mode    fs.FileMode // permissions only; 0 where the platform has none
	Foreign error       // it belongs to another user
	Sealing bool        // it is the key that sessions are sealed with, not a file of the age store
}

// Cache is the state of the directory for sessions.
type Cache struct {
	Path     string
	Unusable error  // why nothing can be written there: the disk is full or read-only
	Instead  string // the spare place that serves then, or ""
	Network  string // the kind of network file system it is on, or ""
	NoLocks  bool   // the disk gives no locks
}

// Profile is one profile, as this program and the AWS tools see it. Its Settings are those that get
// works with; of a profile that get refuses, only the serial is known.
type Profile struct {
	profile.Settings

	Name      string
	Sections  []profile.Section // of it in the AWS config
	Command   Command           // its credential_process, if that calls this program
	Asked     profile.Call      // of get, as tools call it
	Register  string            // the command that registers it again; "" if it is not registered
	Moved     []edit.Moved      // what tools may lack, written or not
	OtherHome string            // the variable of its command that leads to other settings, or ""
	Used      bool              // a profile, perhaps another, has tools ask for it

	Static   []profile.StaticKey // plain-text access keys of the same name
	Unusable error               // why get refuses it

	Unfinished string // what a run has left undone, and how to finish it; "": nothing

	InOwn     bool  // it has a section in profiles.ini
	Key, Seed error // why access key or seed cannot be read
	SeedBits  int   // 0: not known
	CABundle  error // why the CA bundle cannot be used

	Sessions []session.Status // the one that get prints first
	Pool     []session.DeviceStatus
	Printed  int           // the size of what get prints, in bytes; 0: not known
	Skew     time.Duration // AWS's clock minus this machine's, as last measured
	Online   Online        // nothing of it is set if AWS was not asked
	Sharing  Sharing
}

// Sharing is the cache that a profile shares with other hosts.
type Sharing struct {
	Refused  error  // why its settings are refused
	Place    string // its hosts; "": there is none
	Required bool
	Plain    bool // without TLS
	Last     cache.Sharing

	// What it answered, if it was asked.
	Asked   bool
	Failed  error // why it cannot be used
	Latency time.Duration
	Expires time.Time // of its certificate; zero: not known
	Policy  string    // what it removes when its memory is full; "": not known
}

// ours reports whether the AWS config has tools run this program for the profile.
func (p Profile) ours() bool { return p.Command.Line != "" }

// Command is the credential_process of a profile that calls this program.
type Command struct {
	Line      string   // as it stands there
	Place     string   // "path:line"
	First     bool     // it is in the credentials file, which goes before the AWS config
	Program   string   // its first word, without quotation marks, or the one behind env
	Variables []string // what it sets with env, as NAME=VALUE
	State     ProgramState
	Temp      bool // the program is in a directory for temporary files
	Accepted  bool // get takes the arguments
}

// ProgramState is what is at the path of a program.
type ProgramState int

// The states.
const (
	This          ProgramState = iota // the program that runs now, or it is not known
	Another                           // another file
	Gone                              // nothing
	Directory                         // a directory
	NotExecutable                     // a file that cannot be executed
)

// Online is what AWS answered.
type Online struct {
	Identity error // why the access key is of no use
	Root     bool  // it is of the root user
	User     string
	Account  string

	Skew     time.Duration // as measured now
	Measured bool

	Devices    []string // serials of the user's MFA devices; nil: not known
	KeyCreated time.Time

	Session error // why no session was given; nil if it was, or was not asked for
}
