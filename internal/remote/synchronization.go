package remote

import (
	"fmt"
	"net/http"
	"strings"

	"kenoma/internal/vocab"
)

// synchronizationHeader carries a Synchronization.
const synchronizationHeader = "Collection-Synchronization"

// Synchronization tells the receiver of a delivery whom the sender counts as its
// followers there.
//
// spec: fep-8fcf#the-collection-synchronization-http-header
type Synchronization struct {
	Collection vocab.IRI // The actor's followers.
	URL        vocab.IRI // Where those of the receiver's server are listed.
	Digest     string    // Of them: 64 hex digits.
}

func (s *Synchronization) String() string {
	return fmt.Sprintf(`collectionId="%s", url="%s", digest="%s"`, s.Collection, s.URL, s.Digest)
}

// Synchronization reads what req, signed by s, says of followers; nil when it says
// nothing, or nothing that is signed and can be read.
func (s *Signature) Synchronization(req *http.Request) *Synchronization {
	values := req.Header.Values(synchronizationHeader)
	if len(values) != 1 || len(values[0]) > 4096 || !s.covers(strings.ToLower(synchronizationHeader)) {
		return nil
	}
	params, err := parseParams(values[0])
	if err != nil || len(params["digest"]) != 64 {
		return nil
	}
	return &Synchronization{Collection: vocab.IRI(params["collectionId"]), URL: vocab.IRI(params["url"]), Digest: strings.ToLower(params["digest"])}
}
