package logins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognito-broker/broker/internal/saml"
)

// samlMetadata is a SAML provider by its metadata, which may be read again while it is in use:
// certificates roll over. What cannot be used then leaves what was read before. It is safe for
// concurrent use.
type samlMetadata struct {
	config saml.Config
	read   func(ctx context.Context) ([]byte, error) // nil: the metadata stays as it is
	onKeys func(added, gone int)                     // is told of certificates that came and went

	state atomic.Pointer[samlState]
	mu    sync.Mutex
	tried time.Time
}

// samlState is the metadata as it was read. It never changes.
type samlState struct {
	reader *saml.Provider
	text   []byte
	failed error // why what was read since is not used
}

func newSAMLMetadata(config saml.Config, read func(context.Context) ([]byte, error)) (*samlMetadata, error) {
	reader, err := saml.New(config)
	if err != nil {
		return nil, err
	}
	m := &samlMetadata{config: config, read: read, tried: config.Now()}
	m.state.Store(&samlState{reader: reader, text: config.Metadata})
	return m, nil
}

// reread reads the metadata again, unless somebody does or did within 30 seconds.
func (m *samlMetadata) reread(ctx context.Context) {
	if m.read == nil || !m.mu.TryLock() {
		return
	}
	defer m.mu.Unlock()
	now := m.config.Now()
	if since := now.Sub(m.tried); since >= 0 && since < fetchEvery {
		return
	}
	m.tried = now
	m.load(ctx)
}

// load has Responses judged by what the metadata says now.
func (m *samlMetadata) load(ctx context.Context) {
	before := m.state.Load()
	next, err := m.next(ctx, before)
	if err != nil {
		err = fmt.Errorf("the metadata cannot be read again, and what was read before stays: %w", err)
		next = &samlState{before.reader, before.text, err}
	}
	m.state.Store(next)
	had, has := before.reader.Signers(), next.reader.Signers()
	if added, gone := lacks(had, has), lacks(has, had); added+gone > 0 {
		m.onKeys(added, gone)
	}
}

// next is the state after what the metadata says now. Another identity provider is no change of
// this one: its users are others, and what they had must end first.
func (m *samlMetadata) next(ctx context.Context, before *samlState) (*samlState, error) {
	text, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(text, before.text) {
		return &samlState{before.reader, before.text, nil}, nil
	}
	config := m.config
	config.Metadata = text
	reader, err := saml.New(config)
	switch {
	case err != nil:
		return nil, err
	case reader.EntityID() != before.reader.EntityID():
		return nil, errOtherEntity
	}
	return &samlState{reader, text, nil}, nil
}

// errOtherEntity says that metadata is of another identity provider than at the start.
var errOtherEntity = errors.New("its entityID is another one: start the broker again for another identity provider")

// lacks is how many keys a list lacks of another.
func lacks(list, other [][]byte) (n int) {
	for _, key := range other {
		if !slices.ContainsFunc(list, func(own []byte) bool { return bytes.Equal(own, key) }) {
			n++
		}
	}
	return n
}

// samlBasis is what a proof by a Response rests on: the metadata by which it was read.
type samlBasis struct {
	metadata *samlMetadata
	reader   *saml.Provider
}

// Stands reports whether no other metadata was read since.
func (b *samlBasis) Stands(time.Time) bool { return b.metadata.state.Load().reader == b.reader }
