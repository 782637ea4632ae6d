package strictjson

// RawObject reads a text that is one JSON object, and of its members the names only:
// what they hold has to be well-formed JSON and is handed out as it stands, for
// whoever has to bear faults in one member for the sake of the others. Each has to
// be read strictly before it is believed. It fails with *Error.
func RawObject(text []byte, l Limits) (map[string][]byte, error) {
	return read(text, l, func(r *reader) (map[string][]byte, error) {
		if r.next() != '{' {
			return nil, r.fail(ErrObject)
		}
		all := map[string][]byte{}
		return all, r.object(func(name string) (err error) {
			all[name], err = r.pass()
			return err
		})
	})
}

// RawList reads a text that is one JSON list, as RawObject does its members.
func RawList(text []byte, l Limits) ([][]byte, error) {
	return read(text, l, func(r *reader) ([][]byte, error) {
		if r.next() != '[' {
			return nil, r.fail(ErrList)
		}
		var all [][]byte
		err := r.list(func() error {
			one, err := r.pass()
			all = append(all, one)
			return err
		})
		return all, err
	})
}

// pass passes over a value, of which the form alone counts.
func (r *reader) pass() ([]byte, error) {
	from, was := r.at, r.loose
	r.loose = true
	err := r.skip()
	r.loose = was
	return r.text[from:r.at], err
}

func (r *reader) skip() error {
	switch r.next() {
	case '{':
		return r.object(func(string) error { return r.skip() })
	case '[':
		return r.list(r.skip)
	}
	_, err := r.scalar()
	return err
}
