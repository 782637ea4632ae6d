package fleet

import "encoding/binary"

// appendTexts spells texts, each with its length.
func appendTexts(b []byte, texts ...string) []byte {
	for _, text := range texts {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return b
}

// readTexts reads what appendTexts spelt, which is all of b.
func readTexts(b []byte, texts ...*string) (ok bool) {
	for _, into := range texts {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return false
		}
		*into = string(b[size : size+int(n)])
		b = b[size+int(n):]
	}
	return len(b) == 0
}
