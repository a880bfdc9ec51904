//go:build linux

package test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// hole stands in a text for what is only known when the program runs.
const hole = "…"

// source is the code of the program, to be read for what it tells people.
type source struct {
	t        *testing.T
	files    *token.FileSet
	packages map[string]*sourcePackage
}

type sourcePackage struct {
	name   string
	files  []*ast.File
	values map[string]ast.Expr        // constants and variables of the package
	funcs  map[string][]*ast.FuncDecl // functions and methods
	types  map[string]*ast.StructType
}

// readSource parses the packages of the program. What only tests and the sandbox use is left out.
func readSource(t *testing.T) *source {
	t.Helper()
	s := &source{t: t, files: token.NewFileSet(), packages: make(map[string]*sourcePackage)}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(filepath.WalkDir("../internal", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			if entry != nil && slices.Contains([]string{"sandbox", "testbed", "testdata"}, entry.Name()) {
				return filepath.SkipDir
			}
			return err
		}
		file, err := parser.ParseFile(s.files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		s.add(file)
		return nil
	}))
	return s
}

func (s *source) add(file *ast.File) {
	p := s.packages[file.Name.Name]
	if p == nil {
		p = &sourcePackage{name: file.Name.Name, values: make(map[string]ast.Expr), funcs: make(map[string][]*ast.FuncDecl), types: make(map[string]*ast.StructType)}
		s.packages[p.name] = p
	}
	p.files = append(p.files, file)
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			p.funcs[d.Name.Name] = append(p.funcs[d.Name.Name], d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.ValueSpec:
					for i, name := range spec.Names {
						if i < len(spec.Values) {
							p.values[name.Name] = spec.Values[i]
						}
					}
				case *ast.TypeSpec:
					if of, ok := spec.Type.(*ast.StructType); ok {
						p.types[spec.Name.Name] = of
					}
				}
			}
		}
	}
}

// told is a text of the program: a remedy, with holes.
type told struct {
	text  string
	place string // file:line
}

// remedies returns every text that the code passes as a remedy: to a parameter, a field, a result or a
// variable of that name. Each text is a form with holes. One that cannot be followed to its words fails
// the test.
func (s *source) remedies() (all []told) {
	for _, p := range s.packages {
		for _, file := range p.files {
			for _, d := range file.Decls {
				in := reader{s, p, nil, nil}
				in.fn, _ = d.(*ast.FuncDecl)
				ast.Inspect(d, func(n ast.Node) bool {
					for _, e := range in.sinks(n) {
						all = append(all, in.told(e)...)
					}
					return true
				})
			}
		}
	}
	slices.SortFunc(all, func(a, b told) int { return strings.Compare(a.text+a.place, b.text+b.place) })
	return slices.CompactFunc(all, func(a, b told) bool { return a.text == b.text })
}

// reader reads the expressions of one function, or of the package outside of functions.
type reader struct {
	*source
	p     *sourcePackage
	fn    *ast.FuncDecl
	bound map[string][]string // what the parameters of fn are in this call
}

func isRemedy(name string) bool { return strings.EqualFold(name, "remedy") }

// told returns the texts that e may be.
func (r reader) told(e ast.Expr) (all []told) {
	at := r.files.Position(e.Pos())
	place := fmt.Sprintf("%s:%d", strings.TrimPrefix(at.Filename, "../"), at.Line)
	unknown := false
	for _, text := range r.texts(e, 0) {
		switch strings.TrimSpace(strings.ReplaceAll(text, passed, "")) {
		case "": // none, or one that has been a remedy before
		case hole:
			unknown = true
		default:
			all = append(all, told{strings.ReplaceAll(text, passed, hole), place})
		}
	}
	all = slices.DeleteFunc(all, func(vague told) bool { // the same words, of which more is known elsewhere
		return slices.ContainsFunc(all, func(other told) bool { return other.text != vague.text && form(vague.text).MatchString(other.text) })
	})
	if unknown && len(all) == 0 {
		r.t.Errorf("%s: make the remedy of literals, constants and plain functions, so that the test of hints can read its words", place)
	}
	return all
}

// sinks returns the expressions that n makes remedies of.
func (r reader) sinks(n ast.Node) (all []ast.Expr) {
	switch n := n.(type) {
	case *ast.CallExpr:
		if i := r.remedyOf(n); i >= 0 && i < len(n.Args) {
			all = append(all, n.Args[i])
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && isRemedy(key.Name) {
			all = append(all, n.Value)
		}
	case *ast.CompositeLit:
		all = append(all, r.positional(n)...)
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if isRemedy(lastName(left)) && len(n.Rhs) == len(n.Lhs) {
				all = append(all, n.Rhs[i])
			}
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if isRemedy(name.Name) && i < len(n.Values) {
				all = append(all, n.Values[i])
			}
		}
	case *ast.ReturnStmt:
		if i := resultNamed(r.fn, isRemedy); i >= 0 && i < len(n.Results) {
			all = append(all, n.Results[i])
		}
	}
	return all
}

// positional returns the remedies in a literal of structs without the names of fields.
func (r reader) positional(n *ast.CompositeLit) (all []ast.Expr) {
	fields, elements := structOf(r.p, n.Type), []ast.Expr{n}
	if of, ok := n.Type.(*ast.MapType); ok {
		fields, elements = structOf(r.p, of.Value), n.Elts
	} else if of, ok := n.Type.(*ast.ArrayType); ok {
		fields, elements = structOf(r.p, of.Elt), n.Elts
	}
	at := slices.IndexFunc(fields, isRemedy)
	for _, e := range elements {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			e = pair.Value
		}
		if of, ok := e.(*ast.CompositeLit); ok && at >= 0 && at < len(of.Elts) {
			if _, named := of.Elts[at].(*ast.KeyValueExpr); !named {
				all = append(all, of.Elts[at])
			}
		}
	}
	return all
}

func structOf(p *sourcePackage, e ast.Expr) (fields []string) {
	of, _ := e.(*ast.StructType)
	if name, ok := e.(*ast.Ident); ok {
		of = p.types[name.Name]
	}
	if of == nil {
		return nil
	}
	return names(of.Fields)
}

// names returns the names of parameters, results or fields.
func names(list *ast.FieldList) (all []string) {
	if list == nil {
		return nil
	}
	for _, f := range list.List {
		for _, name := range f.Names {
			all = append(all, name.Name)
		}
		if len(f.Names) == 0 {
			all = append(all, "")
		}
	}
	return all
}

func resultNamed(fn *ast.FuncDecl, is func(string) bool) int {
	if fn == nil {
		return -1
	}
	return slices.IndexFunc(names(fn.Type.Results), is)
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// callees returns the functions of the program that a call may be of, and their package.
func (r reader) callees(call *ast.CallExpr) (*sourcePackage, []*ast.FuncDecl) {
	p := r.p
	if at, ok := call.Fun.(*ast.SelectorExpr); ok {
		if x, ok := at.X.(*ast.Ident); ok && r.packages[x.Name] != nil {
			p = r.packages[x.Name]
		}
	}
	return p, p.funcs[lastName(call.Fun)]
}

// remedyOf returns which argument of a call is a remedy, or -1.
func (r reader) remedyOf(call *ast.CallExpr) int {
	_, fns := r.callees(call)
	for _, fn := range fns {
		if i := slices.IndexFunc(names(fn.Type.Params), isRemedy); i >= 0 {
			return i
		}
	}
	return -1
}

// passed marks a text that is taken from another remedy, whose words are read where it is made.
const passed = "\x00"

// texts returns what e may be, with holes.
func (r reader) texts(e ast.Expr, depth int) []string {
	const deep = 12
	if depth > deep {
		return []string{hole}
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return r.texts(e.X, depth+1)
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err != nil {
			return []string{hole}
		}
		return []string{text}
	case *ast.BinaryExpr:
		return joined(r.texts(e.X, depth+1), r.texts(e.Y, depth+1))
	case *ast.Ident:
		return r.named(e.Name, depth)
	case *ast.SelectorExpr:
		if isRemedy(e.Sel.Name) {
			return []string{passed}
		}
		if x, ok := e.X.(*ast.Ident); ok && r.packages[x.Name] != nil {
			return reader{r.source, r.packages[x.Name], nil, nil}.named(e.Sel.Name, depth)
		}
	case *ast.CallExpr:
		return r.call(e, depth)
	case *ast.IndexExpr:
		return r.elements(e.X, depth)
	case *ast.SliceExpr:
		return r.texts(e.X, depth+1)
	}
	return []string{hole}
}

func joined(left, right []string) (all []string) {
	for _, x := range left {
		for _, y := range right {
			all = append(all, x+y)
		}
	}
	return all
}

// elements returns the values of a map that is written as a literal.
func (r reader) elements(e ast.Expr, depth int) (all []string) {
	if name, ok := e.(*ast.Ident); ok && r.p.values[name.Name] != nil {
		e = r.p.values[name.Name]
	}
	of, ok := e.(*ast.CompositeLit)
	if !ok {
		return []string{hole}
	}
	for _, element := range of.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			element = pair.Value
		}
		all = append(all, r.texts(element, depth+1)...)
	}
	return all
}

// named returns what a constant, a variable or a parameter may be.
func (r reader) named(name string, depth int) (all []string) {
	if isRemedy(name) {
		return []string{passed}
	}
	if r.fn != nil {
		if texts, ok := r.bound[name]; ok {
			return texts
		}
		if slices.Contains(names(r.fn.Type.Params), name) {
			return []string{hole}
		}
		ast.Inspect(r.fn, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if x, ok := left.(*ast.Ident); ok && x.Name == name && i < len(n.Rhs) && n.Tok != token.ADD_ASSIGN {
						all = append(all, r.result(n.Rhs, i, len(n.Lhs), depth)...)
					}
				}
			case *ast.ValueSpec:
				for i, x := range n.Names {
					if x.Name == name && i < len(n.Values) {
						all = append(all, r.texts(n.Values[i], depth+1)...)
					}
				}
			}
			return true
		})
	}
	if value := r.p.values[name]; value != nil && len(all) == 0 {
		all = reader{r.source, r.p, nil, nil}.texts(value, depth+1)
	}
	if len(all) == 0 {
		return []string{hole}
	}
	return all
}

// result returns what the i-th of n assigned values may be.
func (r reader) result(values []ast.Expr, i, n, depth int) []string {
	if len(values) == n {
		return r.texts(values[i], depth+1)
	}
	return []string{hole}
}

// call returns what a function may return as its text.
func (r reader) call(call *ast.CallExpr, depth int) (all []string) {
	name := lastName(call.Fun)
	if at, ok := call.Fun.(*ast.SelectorExpr); ok {
		switch x, _ := at.X.(*ast.Ident); {
		case x == nil:
		case x.Name == "fmt" && name == "Sprintf":
			return formats(r.texts(call.Args[0], depth+1))
		case x.Name == "cmp" && name == "Or":
			for i, arg := range call.Args {
				texts := slices.DeleteFunc(r.texts(arg, depth+1), func(text string) bool { return text == "" && i+1 < len(call.Args) })
				all = append(all, texts...)
			}
			return all
		case x.Name == "strings" && slices.Contains([]string{"TrimPrefix", "TrimSuffix", "ReplaceAll"}, name):
			return r.texts(call.Args[0], depth+1)
		case x.Name == "fault" && name == "Escape":
			return r.texts(call.Args[0], depth+1)
		case x.Name == "fault" && (name == "Shell" || name == "Printable"):
			return []string{hole}
		case x.Name == "fault" && name == "Chmod": // as it is on Unix
			return joined(joined([]string{"chmod "}, r.texts(call.Args[0], depth+1)), []string{" " + hole})
		case name == "Replace" && len(call.Args) == 1:
			return r.texts(call.Args[0], depth+1)
		}
	}
	if isRemedy(name) {
		return []string{passed}
	}
	p, fns := r.callees(call)
	for _, fn := range fns {
		bound := make(map[string][]string)
		for i, param := range names(fn.Type.Params) {
			if i < len(call.Args) {
				bound[param] = r.texts(call.Args[i], depth+1)
			}
		}
		all = append(all, reader{r.source, p, fn, bound}.returns(depth)...)
	}
	if len(all) == 0 {
		return []string{hole}
	}
	return all
}

// returns reads what a function returns first.
func (r reader) returns(depth int) (all []string) {
	ast.Inspect(r.fn, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		if back, ok := n.(*ast.ReturnStmt); ok && len(back.Results) > 0 {
			all = append(all, r.texts(back.Results[0], depth+1)...)
		}
		return true
	})
	return all
}

var verb = regexp.MustCompile(`%[-+#0 ]*[0-9.]*[a-zA-Z]`)

// formats replaces the verbs of formats by holes.
func formats(all []string) []string {
	for i := range all {
		all[i] = verb.ReplaceAllString(all[i], hole)
	}
	return all
}

// form returns the expression that matches a text with holes.
func form(text string) *regexp.Regexp {
	return regexp.MustCompile("^(?s:" + strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(text)), hole, ".*") + ")$")
}
