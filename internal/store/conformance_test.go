package store

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// conformance is what must hold on any Redis. Each test gets it empty.
var conformance = []struct {
	name string
	test func(*testing.T, redis.UniversalClient)
}{
	{"VisitIsKept", testVisitIsKept},
	{"StrangeID", testStrangeID},
	{"VisitLimits", testVisitLimits},
	{"KeysExpire", testKeysExpire},
	{"ChangesInParallel", testChangesInParallel},
	{"ChangeFails", testChangeFails},
	{"ChangeRunsAgain", testChangeRunsAgain},
	{"RenewInParallel", testRenewInParallel},
	{"DeleteAll", testDeleteAll},
	{"ChangeAll", testChangeAll},
	{"ChangeAllWrites", testChangeAllWrites},
	{"ChangeAllInParallel", testChangeAllInParallel},
	{"ListsEnd", testListsEnd},
	{"StrangeMember", testStrangeMember},
	{"FlowIsTakenOnce", testFlowIsTakenOnce},
	{"StrangeState", testStrangeState},
	{"LinkStays", testLinkStays},
	{"LinksAreApart", testLinksAreApart},
	{"FileIsKept", testFileIsKept},
	{"FileChangesInParallel", testFileChangesInParallel},
	{"FileChangeRunsAgain", testFileChangeRunsAgain},
	{"FileChangeFails", testFileChangeFails},
	{"FileUnchanged", testFileUnchanged},
	{"FileLife", testFileLife},
	{"FilesAreApart", testFilesAreApart},
	{"EachFile", testEachFile},
	{"FileCannotBeRead", testFileCannotBeRead},
	{"FileRotation", testFileRotation},
	{"MoveFiles", testMoveFiles},
	{"OtherSecretsFiles", testOtherSecretsFiles},
	{"FilesHalfway", testFilesHalfway},
	{"FileGraveHalfway", testFileGraveHalfway},
	{"GiveBack", testGiveBack},
	{"Attempts", testAttempts},
	{"AttemptsWindow", testAttemptsWindow},
	{"Rounds", testRounds},
	{"Seen", testSeen},
	{"Latest", testLatest},
	{"Tampering", testTampering},
	{"NothingIsRevealed", testNothingIsRevealed},
	{"Rotation", testRotation},
	{"RotationHalfway", testRotationHalfway},
	{"OtherSecret", testOtherSecret},
	{"MoveManyLinks", testMoveManyLinks},
	{"CacheSavesRoundTrips", testCacheSavesRoundTrips},
	{"NotCached", testNotCached},
	{"CacheHears", testCacheHears},
}

func TestEmbedded(t *testing.T) { t.Parallel(); conform(t, Embedded) }
func TestRedis(t *testing.T)    { t.Parallel(); conform(t, startRedis(t).url()) }
func TestCluster(t *testing.T)  { t.Parallel(); conform(t, startCluster(t).url) }
func TestSentinel(t *testing.T) { t.Parallel(); conform(t, startSentinel(t).url) }

func conform(t *testing.T, address string) {
	client := open(t, address)
	for _, row := range conformance {
		t.Run(row.name, func(t *testing.T) {
			flush(t, client)
			row.test(t, client)
		})
	}
}
