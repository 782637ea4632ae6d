package logins

// Remembered is what the remembered proofs take up, by their own account, once the
// memory has settled.
func (p *Prover) Remembered() int {
	p.proofs.CleanUp()
	return int(p.proofs.WeightedSize())
}
