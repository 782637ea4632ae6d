package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// Help is help wherever it is asked for, and no failure.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"help", "-h", "serve -h", "check -help", "token -h", "explain --help", "import -h", "export -h", "keys rotate -h"} {
		t.Run(line, func(t *testing.T) {
			var out bytes.Buffer
			if err := run(t.Context(), process{args: strings.Fields(line), stdout: &out, stderr: io.Discard}); err != nil {
				t.Fatal(err)
			}
			if out.String() != usage {
				t.Errorf("got %q, want the usage", out.String())
			}
		})
	}
}
