package check

import "github.com/leatdev/leat/pipeline"

// lessens grants a stage less than it asks for. It may fail Open; if it does not, it keeps to what it has. Edits, answers and credentials
// are let through here: a host refuses those that are not granted, and names what lacks.
func (c *checker) lessens(s *session, in *instance) error {
	if c.breaks(flow...) { // it would break them here, too
		return nil
	}
	one := in.own
	one.Retry = false
	grants := []struct {
		what string
		pipeline.Needs
	}{{"nothing", pipeline.Needs{}}}
	if in.own.Retry {
		grants = append(grants, struct {
			what string
			pipeline.Needs
		}{"all but retry", one})
	}
	for _, g := range grants {
		less, _, err := s.opens(in.stage, &g.Needs)
		if err != nil {
			return err
		}
		if less == nil {
			continue
		}
		less.less = g.what
		for _, sit := range []situation{
			{play{"wire.grants", "a GET where the stage was granted " + g.what, nil}, get("/things/17")},
			{play{"wire.grants", "a GET that is answered with 503 where the stage was granted " + g.what, []reply{failing(503), well()}}, get("/things/17")},
		} {
			x, err := s.begin(less, sit.request, nil)
			if err == nil {
				_, err = x.finish(sit.play)
			}
			if err != nil {
				return err
			}
		}
		if err := s.shut(less); err != nil {
			return err
		}
	}
	return nil
}
