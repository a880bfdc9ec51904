package awsapi

import (
	"strings"
	"testing"
)

// TestDocument has the forms in which a response that begins like AWS's is not AWS's alone.
func TestDocument(t *testing.T) {
	t.Parallel()
	const whole = "<GetSessionTokenResponse><a>1</a><b/></GetSessionTokenResponse>"
	for name, c := range map[string]struct {
		text string
		one  bool
	}{
		"plain":                     {whole, true},
		"a list":                    {"<GetSessionTokenResponse><a><member>1</member><member>1</member></a></GetSessionTokenResponse>", true},
		"the same in two elements":  {"<GetSessionTokenResponse><a><c/></a><b><c/></b></GetSessionTokenResponse>", true},
		"one element twice":         {"<GetSessionTokenResponse><a>1</a><b/><a>1</a></GetSessionTokenResponse>", false},
		"twice, and deeper":         {"<GetSessionTokenResponse><a><b>1</b><b>2</b></a></GetSessionTokenResponse>", false},
		"declaration":               {`<?xml version="1.0"?>` + "\n" + whole + "\n", true},
		"comments around":           {"<!-- a -->" + whole + " \r\n\t<!-- b -->", true},
		"two roots":                 {whole + whole, false},
		"another root":              {whole + "<html/>", false},
		"another root before":       {"<x/>" + whole, false},
		"text behind":               {whole + "x", false},
		"text before":               {"x" + whole, false},
		"zero bytes behind":         {whole + "\x00", false},
		"entity behind":             {whole + "&#120;", false},
		"CDATA behind":              {whole + "<![CDATA[x]]>", false},
		"instruction behind":        {whole + "<?php x?>", false},
		"second declaration":        {whole + `<?xml version="1.0"?>`, false},
		"document type":             {"<!DOCTYPE x>" + whole, false},
		"document type behind":      {whole + "<!DOCTYPE x>", false},
		"cut":                       {whole[:len(whole)-3], false},
		"closed twice":              {whole + "</GetSessionTokenResponse>", false},
		"root only in a comment":    {"<!--" + whole + "-->", false},
		"nothing":                   {"", false},
		"white space":               {" \n", false},
		"byte order mark inside it": {whole[:10] + "\ufeff" + whole[10:], false},
	} {
		for _, action := range []string{"GetSessionToken", "CreateAccessKey"} {
			a := &answer{status: 200, body: []byte(strings.ReplaceAll(c.text, "GetSessionToken", action))}
			if ok, _ := a.complete(action); ok != c.one {
				t.Errorf("%s, %s: complete is %v, want %v", name, action, ok, c.one)
			}
		}
	}
}
