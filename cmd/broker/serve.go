package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// drainDeadline bounds everything that happens after SIGTERM.
const drainDeadline = 20 * time.Second

// serve answers requests until ctx ends, then drains: ready off, listener,
// requests in flight, renewals, store.
func serve(ctx context.Context, p process) error {
	f := flags("serve")
	path := f.String("config", "", "configuration file")
	if err := parse(f, p.args); err != nil {
		return err
	}
	c, exposed, err := loadExposed(*path, p)
	if err != nil {
		return err
	}
	log, err := telemetry.NewLogger(c.Log.Level, c.Log.Format)
	if err != nil {
		return err
	}
	defer log.Sync()
	logExposed(log, exposed)
	b, err := build(ctx, c, log)
	if err != nil {
		return err
	}
	if err := b.serve(ctx, c, log, func(address net.Addr) {
		if c.Mode == config.ModeDevelopment {
			banner(p.stdout, *path, c, address)
		}
	}); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// logExposed warns of files that others may use more than they must. The configuration itself has
// no key that names it.
func logExposed(log *zap.Logger, exposed []config.Exposed) {
	for _, e := range exposed {
		told := "a file with secrets may be read or written by others"
		if e.Public {
			told = "a file that says whom to believe may be written by others"
		}
		fields := []zap.Field{zap.String("file", e.File), zap.String("advice", e.Problem())}
		if e.Key != "" {
			fields = append(fields, zap.String("key", e.Key))
		}
		log.Warn(told, fields...)
	}
}

// serve opens the listener when nothing is cached any more that the configuration
// forbids, and tells its address.
func (b *broker) serve(ctx context.Context, c *config.Config, log *zap.Logger, opened func(net.Addr)) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	leave := b.join()
	listener, err := b.open(ctx, c)
	if err != nil {
		leave()
		return errors.Join(err, b.close(ctx))
	}
	opened(listener.Addr())
	log.Info("listening", zap.String("address", listener.Addr().String()))
	group, failed := errgroup.WithContext(ctx)
	group.Go(func() error { return b.http.Serve(listener) })
	for _, run := range b.run() {
		group.Go(func() error { return run(background) })
	}
	group.Go(func() error {
		<-failed.Done()
		defer stop()
		log.Info("draining")
		deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainDeadline)
		defer cancel()
		err := errors.Join(b.http.Shutdown(deadline), b.flows.Close(deadline))
		leave() // its lease is given back: nobody's fence waits for it to lapse
		return errors.Join(err, b.close(deadline))
	})
	return group.Wait()
}

// open settles with the fleet, and then listens.
func (b *broker) open(ctx context.Context, c *config.Config) (net.Listener, error) {
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}
