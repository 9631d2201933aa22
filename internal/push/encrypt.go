package push

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
)

// recordSize is what the header of an aes128gcm body says; a message is one record.
const recordSize = 4096

// encrypt encrypts a message for s with a key pair and salt of this message alone,
// and sets the headers that tell how.
func (s *Subscription) encrypt(message []byte, own *ecdh.PrivateKey, salt []byte, header http.Header) ([]byte, error) {
	if len(message) > MaxMessage {
		return nil, fmt.Errorf("a push message of %d bytes is too long", len(message))
	}
	shared, err := own.ECDH(s.public)
	if err != nil {
		return nil, fmt.Errorf("encrypting a push message: %w", err)
	}
	if s.Standard {
		return s.standard(message, own.PublicKey().Bytes(), shared, salt, header)
	}
	return s.legacy(message, own.PublicKey().Bytes(), shared, salt, header)
}

// spec: rfc8291#section-3.4, rfc8188#section-2
func (s *Subscription) standard(message, own, shared, salt []byte, header http.Header) ([]byte, error) {
	ikm, err := hkdf.Key(sha256.New, shared, s.auth, string(join([]byte("WebPush: info\x00"), s.public.Bytes(), own)), 32)
	if err != nil {
		return nil, err
	}
	body := make([]byte, 0, 16+4+1+len(own)+len(message)+17)
	body = append(body, salt...)
	body = binary.BigEndian.AppendUint32(body, recordSize)
	body = append(body, byte(len(own)))
	body = append(body, own...)
	header.Set("Content-Encoding", "aes128gcm")
	return seal(body, ikm, salt, "Content-Encoding: aes128gcm\x00", "Content-Encoding: nonce\x00", join(message, []byte{2}))
}

// The draft that browsers had first: the key and salt stand in headers, padding
// comes before the message.
//
// spec: draft-ietf-webpush-encryption-04, draft-ietf-httpbis-encryption-encoding-03
func (s *Subscription) legacy(message, own, shared, salt []byte, header http.Header) ([]byte, error) {
	ikm, err := hkdf.Key(sha256.New, shared, s.auth, "Content-Encoding: auth\x00", 32)
	if err != nil {
		return nil, err
	}
	theirs := s.public.Bytes()
	context := string(join([]byte("P-256\x00"), length(theirs), theirs, length(own), own))
	header.Set("Content-Encoding", "aesgcm")
	header.Set("Encryption", "salt="+encode64(salt))
	header.Set("Crypto-Key", "dh="+encode64(own))
	return seal(nil, ikm, salt, "Content-Encoding: aesgcm\x00"+context, "Content-Encoding: nonce\x00"+context, join([]byte{0, 0}, message))
}

// length is how many bytes b has, as two bytes.
func length(b []byte) []byte { return binary.BigEndian.AppendUint16(nil, uint16(len(b))) }

// seal appends the encrypted record to b.
func seal(b, ikm, salt []byte, keyInfo, nonceInfo string, record []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, ikm, salt, keyInfo, 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Key(sha256.New, ikm, salt, nonceInfo, 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return aead.Seal(b, nonce, record, nil), nil
}
