package store

import (
	"context"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Link finds the teaching record that the issuer's subject is linked to.
func (s *Store) Link(ctx context.Context, issuer, subject string) (journey.Link, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var link journey.Link
	p, err := s.read(ctx, linkKind, []string{issuer, subject}, &link)
	if unreadable(err) {
		s.unread(ctx, linkKind, err)
		return journey.Link{}, false, nil
	}
	return link, !p.empty() && link.TRN != "", err
}

// SetLink links the issuer's subject to a teaching record, until RemoveLink.
func (s *Store) SetLink(ctx context.Context, issuer, subject string, link journey.Link) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return s.put(ctx, linkKind, []string{issuer, subject}, link)
}

// ChangeLink replaces a link by what change makes of it, which may run more than
// once. A link to no record is none, and is remembered for a while. An error of
// change is returned as it is, and nothing is written.
func (s *Store) ChangeLink(ctx context.Context, issuer, subject string, change func(l journey.Link, found bool) (journey.Link, error)) error {
	_, err := FilesOf[journey.Link](s, FileKind(linkKind)).Of(issuer).Change(ctx, subject, change)
	return err
}

// RemoveLink unlinks the issuer's subject. To remove what is not there is no error.
func (s *Store) RemoveLink(ctx context.Context, issuer, subject string) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return s.remove(ctx, linkKind, []string{issuer, subject})
}
