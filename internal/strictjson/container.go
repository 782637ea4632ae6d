package strictjson

// open begins an object or a list.
func (r *reader) open() error {
	if err := r.count(); err != nil {
		return err
	}
	if r.depth--; r.depth < 0 {
		return r.fail(ErrDepth)
	}
	r.at++
	r.space()
	return nil
}

// object reads an object. member is called at the value of each, and reads it.
func (r *reader) object(member func(name string) error) error {
	if err := r.open(); err != nil {
		return err
	}
	defer func() { r.depth++ }()
	if r.take('}') {
		return nil
	}
	var seen names
	for {
		at := r.at
		name, err := r.name()
		if err != nil {
			return err
		}
		if !r.loose && !seen.add(name) {
			return &Error{At: at, Member: name, kind: ErrDuplicate}
		}
		if err := member(name); err != nil {
			return err
		}
		if more, err := r.more('}'); !more {
			return err
		}
	}
}

// name reads the name of a member, to its value.
func (r *reader) name() (string, error) {
	if r.next() != '"' {
		return "", r.fail(ErrSyntax)
	}
	name, err := r.str()
	if err != nil {
		return "", err
	}
	if r.space(); !r.take(':') {
		return "", r.fail(ErrSyntax)
	}
	r.space()
	return name, nil
}

// list reads a list. element is called at each, and reads it.
func (r *reader) list(element func() error) error {
	if err := r.open(); err != nil {
		return err
	}
	defer func() { r.depth++ }()
	if r.take(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if more, err := r.more(']'); !more {
			return err
		}
	}
}

// more reads what stands between two elements, or ends them.
func (r *reader) more(end byte) (bool, error) {
	r.space()
	if r.take(end) {
		return false, nil
	}
	if !r.take(',') {
		return false, r.fail(ErrSyntax)
	}
	r.space()
	return true, nil
}

// names are those that an object has so far. Few are compared one by one, many are
// looked up: an object of many names costs no square of their number.
type names struct {
	few  [8]string
	n    int
	many map[string]bool
}

// add reports whether the name is new.
func (s *names) add(name string) bool {
	for _, other := range s.few[:s.n] {
		if other == name {
			return false
		}
	}
	if s.n < len(s.few) {
		s.few[s.n] = name
		s.n++
		return true
	}
	if s.many[name] {
		return false
	}
	if s.many == nil {
		s.many = map[string]bool{}
	}
	s.many[name] = true
	return true
}
