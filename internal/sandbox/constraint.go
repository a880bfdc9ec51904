package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// constraints checks parameters against the service model and collects what
// they break, in AWS's words.
type constraints struct {
	params url.Values
	broken []string
}

// text checks a parameter that, if there, has between low and high characters,
// all of the class.
func (c *constraints) text(name string, low, high int, class string) string {
	value := c.params.Get(name)
	if !c.params.Has(name) {
		return ""
	}
	if n := utf8.RuneCountInString(value); n < low {
		c.add(name, value, "have length greater than or equal to "+strconv.Itoa(low))
	} else if n > high {
		c.add(name, value, "have length less than or equal to "+strconv.Itoa(high))
	}
	if class != "" && !regexp.MustCompile("^"+class+"*$").MatchString(value) {
		c.add(name, value, "satisfy regular expression pattern: "+class+"*")
	}
	return value
}

// required is text for a parameter that must be there.
func (c *constraints) required(name string, low, high int, class string) string {
	if !c.params.Has(name) {
		c.broken = append(c.broken, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", lowerFirst(name)))
	}
	return c.text(name, low, high, class)
}

// seconds checks a whole number, preset if it is not there.
func (c *constraints) seconds(name string, preset, low, high int) time.Duration {
	value := c.params.Get(name)
	if !c.params.Has(name) {
		return time.Duration(preset) * time.Second
	}
	n, err := strconv.Atoi(value)
	switch {
	case err != nil:
		c.add(name, value, "be a valid integer")
	case n < low:
		c.add(name, value, "have value greater than or equal to "+strconv.Itoa(low))
	case n > high:
		c.add(name, value, "have value less than or equal to "+strconv.Itoa(high))
	}
	return time.Duration(n) * time.Second
}

func (c *constraints) add(name, value, must string) {
	c.broken = append(c.broken, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, lowerFirst(name), must))
}

// refused returns the error of all that is broken, or nil.
func (c *constraints) refused() *refusal {
	switch len(c.broken) {
	case 0:
		return nil
	case 1:
		return refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: "+c.broken[0])
	}
	return refuse(http.StatusBadRequest, "ValidationError", fmt.Sprintf("%d validation errors detected: %s", len(c.broken), strings.Join(c.broken, "; ")))
}

// lowerFirst turns a wire name into the member name that AWS's texts use.
func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }
