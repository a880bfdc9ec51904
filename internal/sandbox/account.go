package sandbox

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"time"
)

// session is what GetSessionToken or AssumeRole gave out.
type session struct {
	keyID, secret, token string
	expires              time.Time
	mfa                  bool   // aws:MultiFactorAuthPresent
	user                 string // of GetSessionToken
	role, name           string // of AssumeRole, with its RoleSessionName
	chained              bool   // another session has assumed the role
}

// request is one HTTP request, read whole.
type request struct {
	http    *http.Request
	query   url.Values // of the URL
	payload string     // its hash
	params  url.Values // query and form
	action  string
	now     time.Time
	defect  *refusal // what kept it from being read
}

// operation is one action of the API.
type operation struct {
	service string
	params  []param
	handle  handler
}

// handler carries out an action, with the lock held. The parameters have been checked.
type handler func(*call) (result any, refused *refusal)

// call is an authenticated request on its way through an operation.
type call struct {
	*Server
	*request
	caller *caller
	permit string // "service:Action", as policies name it
	judged bool   // its token code has been recorded
}

// process carries out a request and counts it. It takes the lock.
func (s *Server) process(r *request) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	operation, known := s.operations[r.action]
	c := &call{Server: s, request: r, permit: operation.service + ":" + r.action}
	result, refused := c.run(operation, known)
	if !c.judged {
		s.noteUnjudged(r)
	}
	s.count(r.action, refused)
	id := s.random.requestID()
	if refused != nil {
		return refusalAnswer(refused, namespace(operation.service), id)
	}
	return resultAnswer(r.action, namespace(operation.service), id, result)
}

// version returns that of a service's API, by its date.
func version(service string) string {
	if service == "iam" {
		return "2010-05-08"
	}
	return "2011-06-15"
}

func namespace(service string) string {
	if service != "iam" {
		service = "sts" // of answers to calls of no known action, too
	}
	return "https://" + service + ".amazonaws.com/doc/" + version(service) + "/"
}

func (c *call) run(operation operation, known bool) (any, *refusal) {
	if c.defect != nil {
		return nil, c.defect
	}
	if !known || c.params.Get("Version") != version(operation.service) {
		return nil, unknownAction(c.action, c.params.Get("Version"))
	}
	caller, refused := c.authenticate(c.request, operation.service)
	if refused != nil {
		return nil, refused
	}
	// A session of GetSessionToken without MFA cannot call IAM at all.
	if operation.service == "iam" && caller.user != nil && caller.session != nil && !caller.mfa() {
		return nil, invalidToken()
	}
	if refused := c.checkParams(operation.params); refused != nil {
		return nil, refused
	}
	c.caller = caller
	return operation.handle(c)
}

func unknownAction(action, version string) *refusal {
	if version == "" {
		version = "NO_VERSION_SPECIFIED"
	}
	if action == "" {
		return refuse(http.StatusBadRequest, "MissingAction", "Missing Action")
	}
	return refuse(http.StatusBadRequest, "InvalidAction", "Could not find operation "+action+" for version "+version)
}

// authorize applies the policies of the caller to this action.
func (c *call) authorize(resource string) *refusal {
	user := c.caller.user
	if user == nil {
		return nil
	}
	policy, denied := user.Deny[c.permit]
	if !denied && (!user.RequireMFA || c.caller.mfa() || exempt(c.permit)) {
		return nil
	}
	return c.unauthorized(resource, " with an explicit deny in "+cmp.Or(policy, "an identity-based policy"))
}

// authorizeDevice is authorize for an action on an MFA device.
func (c *call) authorizeDevice(serial string) *refusal {
	if refused := c.authorize(serial); refused != nil {
		return refused
	}
	user := c.caller.user
	if user == nil || !user.OwnDeviceName || serial == c.world.DeviceARN(user.Name) {
		return nil
	}
	return c.unauthorized(serial, " because no identity-based policy allows the "+c.permit+" action")
}

func (c *call) unauthorized(resource, why string) *refusal {
	return denied("User: " + c.caller.arn + " is not authorized to perform: " + c.permit + " on resource: " + resource + why)
}

// exempt reports the actions that AWS's self-service policy leaves to a user
// without MFA, so that they can enroll ("AWS: Allows MFA-authenticated IAM users
// to manage their own MFA device", its NotAction list), and all of STS.
func exempt(permit string) bool {
	switch permit {
	case "iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetUser", "iam:ListMFADevices",
		"iam:ListVirtualMFADevices", "iam:ResyncMFADevice",
		"sts:GetSessionToken", "sts:GetCallerIdentity", "sts:AssumeRole":
		return true
	}
	return false
}

// assumed returns the ARN and the unique id of a role session.
func (w *World) assumed(role *Role, name string) (arn, id string) {
	arn = "arn:" + w.Partition + ":sts::" + w.Account + ":assumed-role/" + path.Base(role.Name) + "/" + name
	return arn, role.ID + ":" + name
}

// className is the class of characters of most names.
const className = `[\w+=,.@-]`

// operations is the API, by action, from the service models of STS and IAM.
func operations() map[string]operation {
	serial := param{name: "SerialNumber", low: 9, high: 256, class: `[\w+=/:,.@-]`}
	code := param{name: "TokenCode", low: 6, high: 6, class: `[\d]`}
	code1, code2 := code, code
	code1.name, code2.name = "AuthenticationCode1", "AuthenticationCode2"
	user := param{name: "UserName", low: 1, high: 128, class: className}
	pair := []param{must(user), must(serial), must(code1), must(code2)}
	keyID := must(param{name: "AccessKeyId", low: 16, high: 128, class: `[\w]`})
	keyStatus := must(param{name: "Status", values: []string{"Active", "Inactive", "Expired"}})
	assignment := param{name: "AssignmentStatus", values: []string{"Any", "Unassigned", "Assigned"}}
	maxItems := param{name: "MaxItems", number: true, low: 1, high: 1000}
	return map[string]operation{
		"GetSessionToken":        {"sts", []param{duration(maxSessionDuration), serial, code}, (*call).getSessionToken},
		"AssumeRole":             {"sts", assumeRoleParams(serial, code), (*call).assumeRole},
		"GetCallerIdentity":      {"sts", nil, (*call).getCallerIdentity},
		"CreateVirtualMFADevice": {"iam", createDeviceParams(), (*call).createVirtualMFADevice},
		"EnableMFADevice":        {"iam", pair, onDevice((*call).enableMFADevice)},
		"ResyncMFADevice":        {"iam", pair, onDevice((*call).resyncMFADevice)},
		"DeactivateMFADevice":    {"iam", []param{user, must(serial)}, onDevice((*call).deactivateMFADevice)},
		"DeleteVirtualMFADevice": {"iam", []param{must(serial)}, (*call).deleteVirtualMFADevice},
		"ListMFADevices":         {"iam", []param{user, maxItems}, onUser((*call).listMFADevices)},
		"ListVirtualMFADevices":  {"iam", []param{assignment, maxItems}, (*call).listVirtualMFADevices},
		"GetUser":                {"iam", []param{user}, onUser((*call).getUser)},
		"CreateAccessKey":        {"iam", []param{user}, onUser((*call).createAccessKey)},
		"UpdateAccessKey":        {"iam", []param{keyStatus, keyID, user}, onKey((*call).updateAccessKey)},
		"DeleteAccessKey":        {"iam", []param{keyID, user}, onKey((*call).deleteAccessKey)},
		"ListAccessKeys":         {"iam", []param{user, maxItems}, onUser((*call).listAccessKeys)},
		"GetAccessKeyLastUsed":   {"iam", []param{keyID}, (*call).getAccessKeyLastUsed},
	}
}

// Count is what happened to the calls of one action.
type Count struct {
	Calls    int // all that arrived
	Accepted int // processed, and done
	Refused  int // processed, and refused
	Faulted  int // struck by a fault before they were processed
}

// State is what the server has seen so far. It holds no secret.
type State struct {
	Connections int              // TCP connections accepted
	Sessions    int              // given out
	Actions     map[string]Count // by action; "" is a request without one
	Refusals    map[string]int   // by error code, of processed calls
	Attempts    []Attempt        // every token code, in the order of arrival
}

// Count returns what happened to the calls of an action.
func (s State) Count(action string) Count { return s.Actions[action] }

// Repeated returns the attempts whose code had been sent for that device
// before. A correct client leaves none.
func (s State) Repeated() []Attempt {
	type code struct {
		serial, digest string
		step           int64
	}
	var repeated []Attempt
	seen := map[code]bool{}
	for _, attempt := range s.Attempts {
		// Of no known step, the code itself is compared; and a device that was made anew has the
		// serial of the old one, but other codes.
		key := code{attempt.Serial, attempt.Digest, attempt.Step}
		if seen[key] {
			repeated = append(repeated, attempt)
		}
		seen[key] = true
	}
	return repeated
}

// State returns what the server has seen so far.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := State{
		Connections: int(s.connections.Load()),
		Sessions:    len(s.sessions),
		Actions:     map[string]Count{},
		Refusals:    maps.Clone(s.codes),
		Attempts:    slices.Clone(s.attempts),
	}
	for action, count := range s.actions {
		state.Actions[action] = *count
	}
	return state
}

// counter returns the count of an action, to change.
func (s *Server) counter(action string) *Count {
	if s.actions[action] == nil {
		s.actions[action] = &Count{}
	}
	return s.actions[action]
}

func (s *Server) count(action string, refused *refusal) {
	count := s.counter(action)
	count.Calls++
	if refused == nil {
		count.Accepted++
		return
	}
	count.Refused++
	s.codes[refused.code]++
}

// skip counts a call that a fault kept from being processed. It takes the lock.
func (s *Server) skip(r *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := s.counter(r.action)
	count.Calls++
	count.Faulted++
	s.noteUnjudged(r)
}
