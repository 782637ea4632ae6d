package redistest

import "golang.org/x/sync/errgroup"

// startAll starts servers at once.
func startAll(servers []*Server) error {
	var starts errgroup.Group
	for _, s := range servers {
		starts.Go(s.start)
	}
	return starts.Wait()
}

func addresses(servers []*Server) []string {
	var list []string
	for _, s := range servers {
		list = append(list, s.Addr())
	}
	return list
}
