package sandbox

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
)

// maxKeys is how many access keys a user can have.
const maxKeys = 2

// classKeyID is the class of AccessKeyId in the IAM service model.
const classKeyID = `[\w]`

type wireKey struct {
	UserName        string     `xml:"UserName"`
	AccessKeyID     string     `xml:"AccessKeyId"`
	Status          string     `xml:"Status"`
	SecretAccessKey string     `xml:"SecretAccessKey,omitempty"`
	CreateDate      *timestamp `xml:"CreateDate,omitempty"`
}

func conflict(code, message string) *refusal { return refuse(http.StatusConflict, code, message) }

func noEntity(message string) *refusal {
	return refuse(http.StatusNotFound, "NoSuchEntity", message)
}

// targetUser returns the user that UserName names, or else the caller, once the
// caller may do this to them.
func (c *call) targetUser() (*User, *refusal) {
	check := constraints{params: c.params}
	name := check.text("UserName", 1, 128, className)
	if refused := check.refused(); refused != nil {
		return nil, refused
	}
	if name == "" && c.caller.user == nil {
		return nil, invalid("Must specify userName when calling with non-User credentials")
	}
	if name == "" {
		name = c.caller.user.Name
	}
	if refused := c.authorize("user " + name); refused != nil {
		return nil, refused
	}
	user := c.world.User(name)
	if user == nil {
		return nil, noEntity("The user with name " + name + " cannot be found.")
	}
	return user, nil
}

func (c *call) wireUser(user *User) wireUser {
	who := c.userCaller(user)
	wire := wireUser{Path: "/", UserName: user.Name, UserID: who.id, Arn: who.arn, CreateDate: timestamp(user.Created)}
	if user.Name == RootUser {
		wire.UserName = ""
	}
	return wire
}

func (c *call) getUser() (any, *refusal) {
	user, refused := c.targetUser()
	if refused != nil {
		return nil, refused
	}
	return struct{ User wireUser }{c.wireUser(user)}, nil
}

func (c *call) createAccessKey() (any, *refusal) {
	user, refused := c.targetUser()
	if refused != nil {
		return nil, refused
	}
	if len(user.Keys) >= maxKeys {
		return nil, conflict("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: "+strconv.Itoa(maxKeys))
	}
	user.Keys = append(user.Keys, Key{})
	user.fill(c.random, c.now)
	key := &user.Keys[len(user.Keys)-1]
	key.known = c.now.Add(c.options.KeyDelay)
	wire := wireOf(user, key)
	wire.SecretAccessKey = key.Secret
	return struct{ AccessKey wireKey }{wire}, nil
}

func wireOf(user *User, key *Key) wireKey {
	status, created := "Active", timestamp(key.Created)
	if key.Inactive {
		status = "Inactive"
	}
	return wireKey{UserName: user.Name, AccessKeyID: key.ID, Status: status, CreateDate: &created}
}

// targetKey returns the access key that a call names, of the user it names.
func (c *call) targetKey() (*User, *Key, *refusal) {
	check := constraints{params: c.params}
	id := check.required("AccessKeyId", 16, 128, classKeyID)
	if refused := check.refused(); refused != nil {
		return nil, nil, refused
	}
	user, refused := c.targetUser()
	if refused != nil {
		return nil, nil, refused
	}
	key := user.key(id)
	if key == nil {
		return nil, nil, noEntity("The Access Key with id " + id + " cannot be found.")
	}
	return user, key, nil
}

func (c *call) updateAccessKey() (any, *refusal) {
	status := c.params.Get("Status")
	if !slices.Contains([]string{"Active", "Inactive"}, status) {
		return nil, invalid("1 validation error detected: Value '" + status + "' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive, Expired]")
	}
	_, key, refused := c.targetKey()
	if refused != nil {
		return nil, refused
	}
	key.Inactive = status == "Inactive"
	return nil, nil
}

func (c *call) deleteAccessKey() (any, *refusal) {
	user, key, refused := c.targetKey()
	if refused != nil {
		return nil, refused
	}
	id := key.ID
	user.Keys = slices.DeleteFunc(user.Keys, func(k Key) bool { return k.ID == id })
	return nil, nil
}

func (c *call) listAccessKeys() (any, *refusal) {
	user, refused := c.targetUser()
	if refused != nil {
		return nil, refused
	}
	var keys []wireKey
	for i := range user.Keys {
		keys = append(keys, wireOf(user, &user.Keys[i]))
	}
	return listed(c, "AccessKeyMetadata", keys)
}

// getAccessKeyLastUsed answers a key that does not exist as AWS does: as one
// that the caller may not see.
func (c *call) getAccessKeyLastUsed() (any, *refusal) {
	check := constraints{params: c.params}
	id := check.required("AccessKeyId", 16, 128, classKeyID)
	if refused := check.refused(); refused != nil {
		return nil, refused
	}
	if refused := c.authorize("access key " + id); refused != nil {
		return nil, refused
	}
	user, key := c.world.Key(id)
	if key == nil {
		return nil, c.unauthorized("access key "+id, "")
	}
	type lastUsed struct {
		LastUsedDate *timestamp `xml:",omitempty"`
		ServiceName  string
		Region       string
	}
	used := lastUsed{nil, "N/A", "N/A"}
	if at := timestamp(key.LastUsed.Time); !key.LastUsed.Time.IsZero() {
		used = lastUsed{&at, key.LastUsed.Service, key.LastUsed.Region}
	}
	return struct {
		UserName          string
		AccessKeyLastUsed lastUsed
	}{user.Name, used}, nil
}

// page is one page of a list.
type page[T any] struct {
	List        members[T]
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// members is a list under its own name, each entry called member.
type members[T any] struct {
	XMLName xml.Name
	Member  []T `xml:"member"`
}

// listed returns the page of all that MaxItems and Marker ask for. The marker
// is the index of the next entry.
func listed[T any](c *call, name string, all []T) (any, *refusal) {
	check := constraints{params: c.params}
	size := int(check.seconds("MaxItems", 100, 1, 1000).Seconds())
	if refused := check.refused(); refused != nil {
		return nil, refused
	}
	start := 0
	if marker := c.params.Get("Marker"); marker != "" {
		index, err := strconv.Atoi(marker)
		if err != nil || index < 0 || index > len(all) {
			return nil, invalid("Invalid Marker: '" + marker + "'")
		}
		start = index
	}
	if limit := c.options.PageSize; limit > 0 {
		size = min(size, limit)
	}
	end := min(start+size, len(all))
	result := page[T]{List: members[T]{XMLName: xml.Name{Local: name}, Member: all[start:end]}}
	if end < len(all) {
		result.IsTruncated, result.Marker = true, strconv.Itoa(end)
	}
	return result, nil
}
