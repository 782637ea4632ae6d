// Command broker is a token broker for Amazon Cognito identity pools. It is the
// only place that knows every package: everything is wired here.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const usage = `usage: broker COMMAND [flags]

  serve   -config FILE                     answer requests until SIGTERM
  check   -config FILE [-store] [-online]  say whether the configuration,
                                           the engine's store and the providers' keys are sound
  token   -config FILE -user NAME          mint an ID token of the development identity provider
          [-audience ID] [-ttl 1h] [-claim k=v]...
  explain -config FILE -pool ID            say step by step what a token would get, and why not: exit 0 granted,
          [-token-file FILE|- [-provider KEY]]                                     1 denied, 2 error
          [-identity ID] [-role ARN] [-json]
  import  -config FILE -file LINES         write pools and identities into the store of a stopped broker
  export  -config FILE [-file LINES]       write them out of a store, also of one in use
  keys new                                 print a new base64 key of 32 bytes
  keys rotate -url URL -api-key-file FILE  have a running broker sign its tokens by a new key
  version                                  print the version
`

// errUsage is a call that names no command.
var errUsage = errors.New("no such command; see broker help")

// process is what a command has of the world around it.
type process struct {
	args    []string
	environ []string
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := process{args: os.Args[1:], environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	if err := run(ctx, p); err != nil {
		status := 1
		if own, ok := errors.AsType[*exit](err); ok {
			status = own.status
		}
		if text := oneLine(err); text != "" {
			fmt.Fprintln(os.Stderr, "broker: "+text)
		}
		stop()
		os.Exit(status) //nolint:gocritic // stop has run
	}
}

// run is what the command line asks for. Whoever asks a command for help is shown all.
func run(ctx context.Context, p process) error {
	err := command(ctx, p)
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(p.stdout, usage)
	}
	return err
}

func command(ctx context.Context, p process) error {
	if len(p.args) == 0 {
		return errUsage
	}
	name := p.args[0]
	p.args = p.args[1:]
	switch name {
	case "serve":
		return serve(ctx, p)
	case "check":
		return check(ctx, p)
	case "token":
		return token(p)
	case "explain":
		return explain(ctx, p)
	case "import":
		return importLines(ctx, p)
	case "export":
		return exportLines(ctx, p)
	case "keys":
		return keys(ctx, p)
	case "version":
		return version(p)
	case "help", "-h", "-help", "--help":
		return flag.ErrHelp
	}
	return errUsage
}

// flags returns a flag set that reports through its error alone.
func flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

// parse reads flags and refuses what is left over.
func parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q", f.Name(), f.Arg(0))
	}
	return nil
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
