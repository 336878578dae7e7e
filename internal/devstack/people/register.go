package people

import "encoding/json"

// record is one teaching record, in the members of a people file.
type record struct {
	TRN         string `json:"trn"`
	FirstName   string `json:"firstName"`
	MiddleName  string `json:"middleName,omitempty"`
	LastName    string `json:"lastName"`
	DateOfBirth string `json:"dateOfBirth"`
	NINO        string `json:"nationalInsuranceNumber,omitempty"`
	Email       string `json:"emailAddress,omitempty"`
}

// RegisterFile is the content of a file for "register embedded": the records
// of those who have one, among a few of other people's. The record of
// found-by-trn has no National Insurance number, so that theirs misses, and nor have
// that of lost-trn and the second one of known, into which the first can be merged.
// Two have the names and birth dates of possible-duplicate and rejected, and no more
// of theirs.
func RegisterFile() []byte {
	out, err := json.MarshalIndent(map[string]any{"people": []record{
		{TRN: "7381046", FirstName: "Ottoline", LastName: "Brackenmoor", DateOfBirth: "1979-11-23", NINO: "QQ618305A"},
		{TRN: "7388347", FirstName: "Ottoline", LastName: "Brackenmoor", DateOfBirth: "1979-11-23"},
		{TRN: "7382593", FirstName: "Peregrine", MiddleName: "Lucian", LastName: "Thistlewick", DateOfBirth: "1986-02-19", NINO: "QQ274916B"},
		{TRN: "7384168", FirstName: "Clementina", LastName: "Oakenfold-Rye", DateOfBirth: "1991-07-08"},
		{TRN: "7385501", FirstName: "Leopold", LastName: "Farthingale", DateOfBirth: "1994-05-31", NINO: "QQ700241A"},
		{TRN: "7386270", FirstName: "Rosalind", MiddleName: "Maud", LastName: "Hollowbrook", DateOfBirth: "1968-12-02", NINO: "QQ315588C"},
		{TRN: "7383917", FirstName: "Evadne", LastName: "Larkhampton", DateOfBirth: "1988-03-29"},
		{TRN: "7387754", FirstName: "Thaddeus", LastName: "Wexcombe", DateOfBirth: "1972-10-26", NINO: "QQ902617D"},
		{TRN: "7380659", FirstName: "Cordelia", LastName: "Ravenscar", DateOfBirth: "1977-06-22"},
	}}, "", "  ")
	if err != nil {
		panic(err) // strings alone always marshal
	}
	return append(out, '\n')
}
