package logins

// Remembered is what the remembered proofs take up, by their own account, once the
// memory has settled.
func (p *Prover) Remembered() int {
	p.proofs.CleanUp()
	return int(p.proofs.WeightedSize())
}

// opaqueOf is what asks a provider about opaque tokens.
func (p *Prover) opaqueOf(name string) *opaque {
	switch v := p.provider(name).Verifier.(type) {
	case *facebook:
		return v.opaque
	case *amazon:
		return v.opaque
	}
	return nil
}

// Open is how many questions are asked of a provider, or wait for their turn.
func (p *Prover) Open(name string) int {
	o := p.opaqueOf(name)
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.open)
}

// Stop ends the goroutines of its memories. The Prover must not be used afterwards.
func (p *Prover) Stop() {
	p.proofs.StopAllGoroutines()
	for name := range p.providers {
		if o := p.opaqueOf(name); o != nil {
			o.known.StopAllGoroutines()
		}
	}
}
