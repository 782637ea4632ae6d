package logins_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// rsaVerification is how long one verification of an RSA signature takes here.
var rsaVerification = sync.OnceValue(func() time.Duration {
	key, digest := idptest.Key(0), sha256.Sum256([]byte("signed"))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		panic(err)
	}
	const n = 2000
	began := time.Now()
	for range n {
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature); err != nil {
			panic(err)
		}
	}
	return time.Since(began) / n
})
