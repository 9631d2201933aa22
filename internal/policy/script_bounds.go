package policy

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Starlark counts steps, but one step can make a gigabyte ("a" * 10**9) or take an
// hour (a text that is replaced by itself). So every operation that can is replaced, in
// the syntax tree, by a call of ours that pays for it first out of a budget of bytes.
// All texts and lists are bounded by it, and with them what the rest can take.

// budgetKey is where the thread has the budget.
const budgetKey = "budget"

type budget struct{ left int }

var errMemory = errors.New("it takes too much memory")

// pay takes n bytes off the thread's budget.
func pay(t *starlark.Thread, n int) error {
	b, ok := t.Local(budgetKey).(*budget)
	if !ok || n < 0 || n > b.left {
		return errMemory
	}
	b.left -= n
	return nil
}

// size is what a value takes itself, in bytes.
func size(v starlark.Value) int {
	switch v := v.(type) {
	case starlark.String:
		return len(v)
	case starlark.Bytes:
		return len(v)
	case starlark.Int:
		return v.BigInt().BitLen()/8 + 8
	case starlark.Sequence:
		return 16 * v.Len()
	}
	return 16
}

// small tells whether a value nests so little that comparing, hashing and writing it is
// quick: of lists of lists of lists the parts could be shared and endless.
func small(v starlark.Value, left *int) bool {
	if *left--; *left < 0 {
		return false
	}
	list, ok := v.(starlark.Indexable)
	if _, text := v.(starlark.String); !ok || text {
		return true
	}
	for i := range list.Len() {
		if !small(list.Index(i), left) {
			return false
		}
	}
	return true
}

// flat refuses values that nest too much.
func flat(v starlark.Value) error {
	left := 20_000
	if !small(v, &left) {
		return errMemory
	}
	return nil
}

// binary is X op Y, paid for.
func binary(op syntax.Token) func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	return func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		x, y := args[0], args[1]
		n := size(x) + size(y)
		if op == syntax.STAR {
			n = times(x, y)
		}
		if op == syntax.PERCENT {
			if n = formatted(x, y); n < 0 {
				return nil, errMemory
			}
		}
		if err := pay(t, n); err != nil {
			return nil, err
		}
		return starlark.Binary(op, x, y)
	}
}

// times is the size of x * y.
func times(x, y starlark.Value) int {
	for range 2 {
		if n, ok := x.(starlark.Int); ok {
			if _, both := y.(starlark.Int); both {
				return (size(x) + size(y)) * 4
			}
			k, exact := n.Int64()
			if !exact || k > 1<<30 {
				return -1
			}
			return int(max(k, 0)) * max(size(y), 1)
		}
		x, y = y, x
	}
	return size(x) + size(y)
}

// formatted is the size of a text in which args are written; −1 where one is no
// plain value.
func formatted(format starlark.Value, args ...starlark.Value) int {
	n := size(format)
	for _, a := range args {
		if list, ok := a.(starlark.Tuple); ok {
			for _, one := range list {
				if !scalar(one) {
					return -1
				}
				n += size(one) * 3
			}
			continue
		}
		if _, number := format.(starlark.String); number && !scalar(a) {
			return -1
		}
		n += size(a) * 3
	}
	return n
}

func scalar(v starlark.Value) bool {
	switch v.(type) {
	case starlark.String, starlark.Int, starlark.Float, starlark.Bool, starlark.NoneType:
		return true
	}
	return false
}

// methods are those of texts, lists, dicts and sets that scripts may call, with what a
// call takes; nil: what comes of it.
var methods = map[string]func(self starlark.Value, args starlark.Tuple) int{
	"capitalize": nil, "count": nil, "elems": nil, "endswith": nil, "find": nil, "index": nil, "isalnum": nil, "isalpha": nil, "isdigit": nil, "islower": nil,
	"isspace": nil, "istitle": nil, "isupper": nil, "lower": nil, "lstrip": nil, "partition": nil, "removeprefix": nil, "removesuffix": nil, "rfind": nil,
	"rindex": nil, "rpartition": nil, "rsplit": nil, "rstrip": nil, "split": nil, "splitlines": nil, "startswith": nil, "strip": nil, "title": nil, "upper": nil,
	"append": nil, "clear": nil, "insert": nil, "pop": nil, "remove": nil, "get": nil, "items": nil, "keys": nil, "values": nil, "setdefault": nil, "add": nil,
	"discard": nil, "union": nil,
	"extend": func(_ starlark.Value, args starlark.Tuple) int { return total(args) },
	"update": func(_ starlark.Value, args starlark.Tuple) int { return 4 * total(args) },
	"join": func(self starlark.Value, args starlark.Tuple) int {
		if len(args) != 1 {
			return 0
		}
		list, ok := args[0].(starlark.Indexable)
		if !ok {
			return -1
		}
		n := 0
		for i := range list.Len() {
			n += size(list.Index(i)) + size(self)
		}
		return n
	},
	"replace": func(self starlark.Value, args starlark.Tuple) int {
		if len(args) < 2 {
			return 0
		}
		text, _ := starlark.AsString(self)
		old, _ := starlark.AsString(args[0])
		return len(text) + strings.Count(text, old)*size(args[1])
	},
	"format": func(self starlark.Value, args starlark.Tuple) int {
		text, _ := starlark.AsString(self)
		n := formatted(self, starlark.Tuple(args))
		if n < 0 {
			return n
		}
		return n * (1 + strings.Count(text, "{"))
	},
}

func total(args starlark.Tuple) int {
	n := 0
	for _, a := range args {
		n += size(a)
	}
	return n
}

// attribute is X.name: a field of ours, or a method that is paid for.
func attribute(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	self, name := args[0], string(args[1].(starlark.String))
	has, ok := self.(starlark.HasAttrs)
	if !ok {
		return nil, fmt.Errorf("%s has no .%s", self.Type(), name)
	}
	v, err := has.Attr(name)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, fmt.Errorf("%s has no .%s", self.Type(), name)
	}
	method, ok := v.(*starlark.Builtin)
	if !ok {
		return v, nil
	}
	cost, allowed := methods[name]
	if !allowed {
		return nil, fmt.Errorf("%s has no .%s here", self.Type(), name)
	}
	return starlark.NewBuiltin(name, func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		n := 32
		if cost != nil {
			if len(kwargs) > 0 {
				return nil, fmt.Errorf("%s takes no named arguments here", name)
			}
			n = cost(self, args)
		}
		return paid(t, n, args, func() (starlark.Value, error) { return starlark.Call(t, method, args, kwargs) })
	}), nil
}

// paid pays for a call, then for what comes of it. Arguments must be flat.
func paid(t *starlark.Thread, n int, args starlark.Tuple, run func() (starlark.Value, error)) (starlark.Value, error) {
	if err := pay(t, n); err != nil {
		return nil, err
	}
	for _, a := range args {
		if err := flat(a); err != nil {
			return nil, err
		}
	}
	v, err := run()
	if err != nil {
		return nil, err
	}
	if err := pay(t, size(v)); err != nil {
		return nil, err
	}
	return v, flat(v)
}

// part is X[lo:hi:step], paid for.
func part(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	if err := pay(t, size(args[0])); err != nil {
		return nil, err
	}
	list, ok := args[0].(starlark.Sliceable)
	if !ok {
		return nil, fmt.Errorf("%s can't be sliced", args[0].Type())
	}
	n, step := list.Len(), 1
	if args[3] != starlark.None {
		if err := starlark.AsInt(args[3], &step); err != nil || step == 0 {
			return nil, errors.New("the step of a slice must be a number other than 0")
		}
	}
	start, end := 0, n
	if step < 0 {
		start, end = n-1, -1
	}
	for _, at := range []struct {
		v  starlark.Value
		to *int
	}{{args[1], &start}, {args[2], &end}} {
		if at.v == starlark.None {
			continue
		}
		i := 0
		if err := starlark.AsInt(at.v, &i); err != nil {
			return nil, err
		}
		if i < 0 {
			i += n
		}
		low, high := 0, n
		if step < 0 {
			low, high = -1, n-1
		}
		*at.to = min(max(i, low), high)
	}
	if step > 0 && end < start {
		end = start
	}
	if step < 0 && end > start {
		end = start
	}
	return list.Slice(start, end, step), nil
}

// nested makes a list or tuple of its parts, paid for.
func nested(tuple bool) func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	return func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		if err := pay(t, 16*len(args)+16); err != nil {
			return nil, err
		}
		args = append(starlark.Tuple{}, args...)
		if tuple {
			return args, flat(args)
		}
		return starlark.NewList(args), flat(args)
	}
}

// builtins are the functions of the language that scripts have; paid for, and all
// others are hidden.
var builtins = []string{"abs", "all", "any", "bool", "dict", "enumerate", "float", "int", "len", "list", "max", "min", "ord", "chr", "reversed", "set", "sorted", "str", "tuple", "type", "zip"}

// surroundings is all that a script can see.
var surroundings = func() starlark.StringDict {
	all := starlark.StringDict{}
	for name, v := range starlark.Universe {
		if _, function := v.(*starlark.Builtin); function {
			hidden := name
			all[name] = starlark.NewBuiltin(name, func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
				return nil, fmt.Errorf("%s is not there for scripts", hidden)
			})
		}
	}
	for _, name := range builtins {
		all[name] = payingBuiltin(name)
	}
	add := func(name string, f func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)) {
		all[name] = starlark.NewBuiltin(name, f)
	}
	add("accept", accept)
	add("reject", reject)
	add("rewrite", rewrite)
	add("matches", matches)
	add("range", shortRange)
	for op, name := range operators {
		add(name, binary(op))
	}
	add("_attr", attribute)
	add("_slice", part)
	add("_list", nested(false))
	add("_tuple", nested(true))
	all.Freeze()
	return all
}()

// operators are those that are paid for.
var operators = map[syntax.Token]string{syntax.PLUS: "_add", syntax.STAR: "_mul", syntax.PERCENT: "_mod", syntax.PIPE: "_or", syntax.LTLT: "_shift"}

func payingBuiltin(name string) *starlark.Builtin {
	f := starlark.Universe[name].(starlark.Callable)
	return starlark.NewBuiltin(name, func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if name == "str" && len(args) == 1 && !scalar(args[0]) {
			return nil, fmt.Errorf("str takes a plain value here, not a %s", args[0].Type())
		}
		if name == "sorted" && len(args) > 0 && starlark.Len(args[0]) > 1000 {
			return nil, errors.New("sorted takes at most 1000 values here")
		}
		return paid(t, 4*total(args)+32, args, func() (starlark.Value, error) { return starlark.Call(t, f, args, kwargs) })
	})
}

// maxRange is how long a range can be: what runs over one counts no steps.
const maxRange = 10_000

func shortRange(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	v, err := starlark.Call(t, starlark.Universe["range"], args, kwargs)
	if err == nil && starlark.Len(v) > maxRange {
		return nil, fmt.Errorf("a range has at most %d numbers here", maxRange)
	}
	return v, err
}

// expressions are the patterns that scripts used, compiled; dropped when they are many.
var expressions struct {
	sync.Mutex
	known map[string]*regexp.Regexp
}

// matches tells whether a pattern (RE2) is in a text.
func matches(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var form, text string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "pattern", &form, "text", &text); err != nil {
		return nil, err
	}
	if len(form) > maxPattern {
		return nil, errors.New("the pattern is too long")
	}
	if err := pay(t, len(form)*16); err != nil {
		return nil, err
	}
	expressions.Lock()
	re := expressions.known[form]
	if re == nil {
		var err error
		if re, err = regexp.Compile(form); err != nil {
			expressions.Unlock()
			return nil, err
		}
		if expressions.known == nil || len(expressions.known) >= 500 {
			expressions.known = map[string]*regexp.Regexp{}
		}
		expressions.known[form] = re
	}
	expressions.Unlock()
	return starlark.Bool(re.MatchString(text)), nil
}

// maxNesting bounds how deep the expressions of a script nest.
const maxNesting = 200

// compileScript parses a script, puts the paying calls in and compiles it.
func compileScript(name, source string) (*starlark.Program, error) {
	if nesting(source) > maxNesting {
		return nil, errors.New("its brackets nest too deep")
	}
	file, err := scriptForm.Parse(name, source, 0)
	if err != nil {
		return nil, err
	}
	if err := instrument(reflect.ValueOf(file), 0); err != nil {
		return nil, err
	}
	return starlark.FileProgram(file, surroundings.Has)
}

// nesting is how deep brackets and operators without operands nest at most, roughly.
func nesting(source string) int {
	depth, most, run := 0, 0, 0
	for _, r := range source {
		switch r {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '-', '+', '~':
			run++
			most = max(most, run)
			continue
		case ' ':
			continue
		}
		run = 0
		most = max(most, depth)
	}
	return max(most, strings.Count(source, "not not")*2)
}

// instrument walks over the syntax tree and replaces what has to be paid for.
func instrument(v reflect.Value, depth int) error {
	if depth > 20*maxNesting {
		return errors.New("it nests too deep")
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		switch n := v.Interface().(type) {
		case *syntax.LoadStmt:
			return errors.New("scripts can't load anything")
		case *syntax.AssignStmt:
			return instrumentAssign(n, depth)
		case *syntax.Ident:
			if strings.HasPrefix(n.Name, "_") {
				return fmt.Errorf("names that begin with _ are not for scripts: %s", n.Name)
			}
			return nil
		case *syntax.ForStmt: // What is assigned to stays as it is.
			return errors.Join(instrumentExpr(&n.X, depth+1), targets(n.Vars), instrument(reflect.ValueOf(n.Body), depth+1))
		case *syntax.ForClause:
			return errors.Join(instrumentExpr(&n.X, depth+1), targets(n.Vars))
		case *syntax.DotExpr:
			return errors.New("this use of . is not there for scripts")
		}
		if v.Elem().Kind() == reflect.Struct {
			return instrument(v.Elem(), depth)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && v.Type().Field(i).IsExported() {
				if err := instrument(f, depth+1); err != nil {
					return err
				}
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := instrument(v.Index(i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		if v.Type() == reflect.TypeFor[syntax.Expr]() {
			e := v.Interface().(syntax.Expr)
			if err := instrumentExpr(&e, depth+1); err != nil {
				return err
			}
			v.Set(reflect.ValueOf(e))
			return nil
		}
		if v.Type() == reflect.TypeFor[syntax.Stmt]() || v.Type() == reflect.TypeFor[syntax.Node]() {
			return instrument(v.Elem(), depth+1)
		}
	}
	return nil
}

// instrumentExpr replaces an expression.
func instrumentExpr(e *syntax.Expr, depth int) error {
	switch n := (*e).(type) {
	case nil:
		return nil
	case *syntax.BinaryExpr:
		if n.Op == syntax.EQ { // A named argument, or a default: its name stays.
			return instrumentExpr(&n.Y, depth+1)
		}
		if err := errors.Join(instrumentExpr(&n.X, depth+1), instrumentExpr(&n.Y, depth+1)); err != nil {
			return err
		}
		if name, ok := operators[n.Op]; ok {
			*e = calling(name, n.OpPos, n.X, n.Y)
		}
		return nil
	case *syntax.DotExpr:
		if err := instrumentExpr(&n.X, depth+1); err != nil {
			return err
		}
		*e = calling("_attr", n.Dot, n.X, &syntax.Literal{Token: syntax.STRING, TokenPos: n.NamePos, Value: n.Name.Name})
		return nil
	case *syntax.SliceExpr:
		for _, part := range []*syntax.Expr{&n.X, &n.Lo, &n.Hi, &n.Step} {
			if err := instrumentExpr(part, depth+1); err != nil {
				return err
			}
			if *part == nil {
				*part = &syntax.Ident{NamePos: n.Lbrack, Name: "None"}
			}
		}
		*e = calling("_slice", n.Lbrack, n.X, n.Lo, n.Hi, n.Step)
		return nil
	case *syntax.ListExpr:
		return instrumentList(e, "_list", n.Lbrack, n.List, depth)
	case *syntax.TupleExpr:
		at, _ := n.Span()
		return instrumentList(e, "_tuple", at, n.List, depth)
	}
	return instrument(reflect.ValueOf(*e), depth)
}

func instrumentList(e *syntax.Expr, name string, at syntax.Position, list []syntax.Expr, depth int) error {
	for i := range list {
		if err := instrumentExpr(&list[i], depth+1); err != nil {
			return err
		}
	}
	if len(list) > 200 {
		return errors.New("a list can't have that many parts in its text")
	}
	*e = calling(name, at, list...)
	return nil
}

// instrumentAssign turns x += y into x = x + y, paid for.
func instrumentAssign(n *syntax.AssignStmt, depth int) error {
	if err := instrumentExpr(&n.RHS, depth+1); err != nil {
		return err
	}
	if err := targets(n.LHS); err != nil {
		return err
	}
	for op, eq := range map[syntax.Token]syntax.Token{syntax.PLUS: syntax.PLUS_EQ, syntax.STAR: syntax.STAR_EQ, syntax.PERCENT: syntax.PERCENT_EQ, syntax.PIPE: syntax.PIPE_EQ, syntax.LTLT: syntax.LTLT_EQ} {
		if n.Op != eq {
			continue
		}
		if ident, ok := n.LHS.(*syntax.Ident); ok {
			n.Op, n.RHS = syntax.EQ, calling(operators[op], n.OpPos, &syntax.Ident{NamePos: ident.NamePos, Name: ident.Name}, n.RHS)
			return nil
		}
		return fmt.Errorf("please write x = x %v y here, not x %v= y", op, op)
	}
	if at, ok := n.LHS.(*syntax.IndexExpr); ok {
		return errors.Join(instrumentExpr(&at.X, depth+1), instrumentExpr(&at.Y, depth+1))
	}
	return nil
}

// targets checks what is assigned to: names, lists of names, and x[y] alone.
func targets(e syntax.Expr) error {
	switch n := e.(type) {
	case *syntax.Ident:
		return instrument(reflect.ValueOf(n), 0)
	case *syntax.ParenExpr:
		return targets(n.X)
	case *syntax.TupleExpr:
		for _, one := range n.List {
			if err := targets(one); err != nil {
				return err
			}
		}
		return nil
	case *syntax.IndexExpr:
		return nil
	}
	return errors.New("scripts can assign to names and to x[y] alone")
}

func calling(name string, at syntax.Position, args ...syntax.Expr) syntax.Expr {
	return &syntax.CallExpr{Fn: &syntax.Ident{NamePos: at, Name: name}, Lparen: at, Args: args, Rparen: at}
}
