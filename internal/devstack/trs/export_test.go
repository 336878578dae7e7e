package trs

// Settle waits until every delivery is over.
func (s *Server) Settle() { s.background.Wait() }

// NewDeliverer is how webhooks are sent.
var NewDeliverer = newDeliverer
