package strictjson

// Kind is what a JSON value is.
type Kind int

// The kinds of values.
const (
	Text Kind = iota + 1
	Number
	Bool
	Null
	List
	Members
)

// Node is a value with its place and the order of its members, for who has to tell
// where in a text something stands.
type Node struct {
	At      int // offset of its first byte
	Kind    Kind
	Text    string   // of a Text; of a Number and a Bool as they are written
	List    []*Node  // of a List
	Members []Member // of an object, in their order
}

// Member is a member of an object.
type Member struct {
	Name string
	Node *Node
}

// Tree reads a text that is one JSON value, as Value does, into nodes.
func Tree(text []byte, l Limits) (*Node, error) { return read(text, l, (*reader).node) }

func (r *reader) node() (*Node, error) {
	n := &Node{At: r.at}
	switch r.next() {
	case '{':
		n.Kind = Members
		return n, r.object(func(name string) error {
			v, err := r.node()
			n.Members = append(n.Members, Member{name, v})
			return err
		})
	case '[':
		n.Kind = List
		return n, r.list(func() error {
			v, err := r.node()
			n.List = append(n.List, v)
			return err
		})
	}
	v, err := r.scalar()
	switch v := v.(type) {
	case string:
		n.Kind, n.Text = Text, v
	case bool:
		n.Kind, n.Text = Bool, string(r.text[n.At:r.at])
	case nil:
		n.Kind = Null
	default:
		n.Kind, n.Text = Number, string(r.text[n.At:r.at])
	}
	return n, err
}
