package io.asyncpg.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.pool.PoolState.Action;
import io.asyncpg.pool.PoolState.Member;
import io.asyncpg.pool.PoolState.Phase;
import io.asyncpg.pool.PoolState.Policy;
import io.asyncpg.pool.PoolState.Refusal;
import io.asyncpg.pool.PoolState.Waiter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PoolStateTest {
  private static final long MILLIS = 1_000_000;
  private static final long SECONDS = 1000 * MILLIS;
  private static final Policy PATIENT = new Policy(Integer.MAX_VALUE, 0, 0, 0, -1, true, false);

  private long now = -5 * SECONDS; // nanoTime may be negative, and may pass zero
  private PoolState state = new PoolState(PATIENT, 0, 2, bound -> 0);

  private Waiter acquire() {
    Waiter waiter = new Waiter(null, now, now + 30 * SECONDS);
    state.acquire(waiter, now);
    return waiter;
  }

  private <A extends Action> A only(Class<A> kind) {
    List<Action> actions = state.takeActions();
    assertThat(actions).hasSize(1).first().isInstanceOf(kind);
    return kind.cast(actions.get(0));
  }

  private Member connect() {
    Member member = only(Action.Connect.class).member();
    state.connected(member, "a", now);
    return member;
  }

  private Member lent(Waiter to) {
    Action.Lend lend = only(Action.Lend.class);
    assertThat(lend.waiter()).isSameAs(to);
    return lend.member();
  }

  private void giveBack(Member member) {
    state.released(member, now);
    state.returned(member, null, now);
  }

  @Test
  void aConnectionIsOpenedForWhoeverWaitsAndLentToHim() {
    Waiter waiter = acquire();
    Member member = connect();
    assertThat(lent(waiter)).isSameAs(member);
    giveBack(member);
    assertThat(state.takeActions()).isEmpty();
    assertThat(state.count(Phase.IDLE)).isEqualTo(1);
    Waiter next = acquire();
    assertThat(lent(next)).isSameAs(member);
  }

  @Test
  void oneThatComesBackAsNewIsThereAtOnceIfNobodyWaits() {
    state = new PoolState(PATIENT, 0, 1, bound -> 0);
    Waiter first = acquire();
    Member member = connect();
    lent(first);
    assertThat(state.returnedAsNew(member, null, now)).isTrue();
    assertThat(state.count(Phase.IDLE)).isEqualTo(1);
    assertThat(state.returnedAsNew(member, null, now)).as("twice").isFalse();

    assertThat(lent(acquire())).isSameAs(member);
    Waiter waits = acquire();
    assertThat(state.returnedAsNew(member, null, now)).isFalse();
    assertThat(state.takeActions()).isEmpty();
    assertThat(state.count(Phase.LENT)).isEqualTo(1);
    giveBack(member);
    assertThat(lent(waits)).isSameAs(member);

    assertThat(state.returnedAsNew(member, CloseReason.QUERIES, now)).isTrue();
    assertThat(only(Action.Close.class).reason()).isEqualTo(CloseReason.QUERIES);
  }

  @Test
  void theFirstConnectionIsMadeAloneAndTheOthersTogether() {
    state = new PoolState(PATIENT, 4, 10, bound -> 0);
    state.start(now);
    Member first = only(Action.Connect.class).member();
    state.connected(first, "a", now);
    assertThat(state.takeActions()).hasSize(3);
    assertThat(state.count(Phase.CONNECTING)).isEqualTo(3);
  }

  @Test
  void aConnectionOnItsWayBackIsWaitedForBeforeAnotherIsOpened() {
    Waiter first = acquire();
    Member member = connect();
    lent(first);
    state.released(member, now);
    Waiter second = acquire();
    assertThat(state.takeActions()).isEmpty();
    assertThat(state.wakes()).isTrue();
    now = state.wakeAt();
    state.tick(now);
    assertThat(only(Action.Connect.class).member()).isNotSameAs(member);
    state.returned(member, null, now);
    assertThat(lent(second)).isSameAs(member);
  }

  @Test
  void failuresPauseLongerAndLongerButNeverASecond() {
    acquire();
    Member member = only(Action.Connect.class).member();
    long last = 0;
    for (int attempt = 0; attempt < 12; attempt++) {
      state.connectFailed(member, false, now);
      assertThat(state.takeActions()).isEmpty();
      long pause = state.wakeAt() - now;
      assertThat(pause).isGreaterThanOrEqualTo(last).isLessThanOrEqualTo(250 * MILLIS);
      last = pause;
      now = state.wakeAt();
      state.tick(now);
      member = only(Action.Connect.class).member();
    }
    assertThat(last).isGreaterThanOrEqualTo(125 * MILLIS);
  }

  @Test
  void whoIsRefusedByTheServerIsToldAtOnce() {
    Waiter waiter = acquire();
    state.connectFailed(only(Action.Connect.class).member(), true, now);
    assertThat(only(Action.Refuse.class))
        .isEqualTo(new Action.Refuse(waiter, Refusal.CANNOT_CONNECT));
  }

  @Test
  void afterAnOutageOneConnectionIsTriedAndThenAll() {
    state = new PoolState(PATIENT, 3, 5, bound -> 0);
    state.start(now);
    Member first = connect();
    List<Action> rest = state.takeActions();
    rest.forEach(action -> state.connected(((Action.Connect) action).member(), "a", now));
    state.leave(first, now);
    List<Action> closing = state.takeActions();
    assertThat(closing).hasSize(4); // three closed, and one opened
    for (Action action : closing) {
      if (action instanceof Action.Connect connect) {
        state.connectFailed(connect.member(), false, now);
      }
    }
    for (Action action : closing) {
      if (action instanceof Action.Close close) {
        state.ended(close.member(), CloseReason.LOST, now);
      }
    }
    assertThat(state.takeActions()).isEmpty();
    while (state.count(Phase.CONNECTING) == 0) {
      now = state.wakeAt();
      state.tick(now);
    }
    Member again = only(Action.Connect.class).member();
    assertThat(first.phase()).isEqualTo(Phase.GONE);
    state.connected(again, "a", now);
    assertThat(state.takeActions()).hasSize(2);
  }

  @Test
  void aConnectionThatDoesNotAnswerIsReplacedAndItsWaiterKeepsHisPlace() {
    state =
        new PoolState(new Policy(Integer.MAX_VALUE, 0, 0, 0, SECONDS, true, false), 0, 1, b -> 0);
    Waiter early = acquire();
    Member member = connect();
    lent(early);
    giveBack(member);
    now += 2 * SECONDS;
    Waiter first = acquire();
    only(Action.Check.class);
    Waiter second = acquire();
    assertThat(state.waiting()).isEqualTo(2);
    state.checked(member, false, now);
    assertThat(only(Action.Close.class).reason()).isEqualTo(CloseReason.CHECK);
    state.ended(member, CloseReason.LOST, now);
    Member fresh = connect();
    lent(first);
    giveBack(fresh);
    lent(second);
  }

  @Test
  void whatIsTooOldIsNotLent() {
    state =
        new PoolState(
            new Policy(Integer.MAX_VALUE, 0, 60 * SECONDS, 0, -1, true, false), 0, 1, b -> 0);
    Waiter first = acquire();
    Member member = connect();
    lent(first);
    giveBack(member);
    now += 61 * SECONDS;
    Waiter second = acquire();
    assertThat(only(Action.Close.class).reason()).isEqualTo(CloseReason.LIFETIME);
    state.ended(member, CloseReason.LOST, now);
    connect();
    lent(second);
  }

  @Test
  void thoseOpenedTogetherDoNotGoTogether() {
    long[] chance = {0};
    state =
        new PoolState(
            new Policy(Integer.MAX_VALUE, 0, 100 * SECONDS, 0, -1, true, false),
            0,
            2,
            bound -> chance[0] * (bound - 1));
    List<Member> both = new ArrayList<>(lentTo("a"));
    chance[0] = 1;
    both.addAll(lentTo("a"));
    both.forEach(this::giveBack);
    now += 90 * SECONDS;
    state.tick(now);
    assertThat(only(Action.Close.class))
        .isEqualTo(new Action.Close(both.get(1), CloseReason.LIFETIME, false));
    now += 10 * SECONDS;
    state.tick(now);
    assertThat(only(Action.Close.class).member()).isSameAs(both.get(0));
  }

  @Test
  void idleConnectionsGoButForTheFewThatAreKept() {
    state =
        new PoolState(
            new Policy(Integer.MAX_VALUE, 10 * SECONDS, 0, 0, -1, true, false), 1, 3, b -> 0);
    Waiter first = acquire();
    connect();
    Member one = lent(first);
    Waiter second = acquire();
    connect();
    Member two = lent(second);
    giveBack(one);
    giveBack(two);
    state.tick(now); // whatever was planned before is none of this
    now = state.wakeAt();
    state.tick(now);
    assertThat(only(Action.Close.class).reason()).isEqualTo(CloseReason.IDLE);
    assertThat(state.open()).isEqualTo(1);
  }

  @Test
  void whereFewerAreKeptThanBeforeTheOthersGo() {
    state =
        new PoolState(
            new Policy(Integer.MAX_VALUE, 10 * SECONDS, 0, 0, -1, true, false), 2, 2, b -> 0);
    state.start(now);
    connect();
    connect();
    assertThat(state.wakes()).isFalse();
    now += 3 * SECONDS;
    state.resize(0, 2, now);
    assertThat(state.takeActions()).isEmpty();
    assertThat(state.wakeAt() - now).isEqualTo(7 * SECONDS);
    now = state.wakeAt();
    state.tick(now);
    assertThat(state.takeActions())
        .hasSize(2)
        .allMatch(
            action -> action instanceof Action.Close close && close.reason() == CloseReason.IDLE);
  }

  @Test
  void anAttemptThatHangsKeepsNoDrainFromItsEnd() {
    Waiter first = acquire();
    connect();
    Member member = lent(first);
    acquire();
    Member hangs = only(Action.Connect.class).member();
    long drained = state.expire(now);
    assertThat(state.isRenewedSince(drained)).isFalse();
    giveBack(member);
    assertThat(state.isRenewedSince(drained)).isFalse();
    state.ended(member, CloseReason.EXPIRED, now);
    assertThat(state.isRenewedSince(drained)).isTrue();
    state.takeActions();
    state.connected(hangs, "a", now);
    assertThat(state.takeActions()).contains(new Action.Close(hangs, CloseReason.EXPIRED, false));
  }

  @Test
  void noMoreThanMaxWaitingWait() {
    state = new PoolState(new Policy(1, 0, 0, 0, -1, true, false), 0, 1, bound -> 0);
    Waiter first = acquire();
    connect();
    lent(first);
    acquire();
    assertThat(state.takeActions()).isEmpty();
    Waiter third = acquire();
    assertThat(only(Action.Refuse.class))
        .isEqualTo(new Action.Refuse(third, Refusal.TOO_MANY_WAITING));
  }

  @Test
  void whoWaitsForNoBorrowerIsNotOneTooMany() {
    state = new PoolState(new Policy(0, 0, 0, 0, SECONDS, true, false), 0, 1, bound -> 0);
    Waiter first = acquire();
    Member member = connect();
    lent(first);
    state.released(member, now);
    Waiter behindTheFirst = acquire();
    assertThat(state.takeActions()).isEmpty();
    Waiter tooMany = acquire();
    assertThat(only(Action.Refuse.class))
        .isEqualTo(new Action.Refuse(tooMany, Refusal.TOO_MANY_WAITING));
    state.returned(member, null, now);
    lent(behindTheFirst);

    state.returned(member, CloseReason.QUERIES, now);
    only(Action.Close.class);
    Waiter behindTheEnd = acquire();
    assertThat(state.takeActions()).isEmpty();
    state.ended(member, CloseReason.QUERIES, now);
    member = connect();
    lent(behindTheEnd);

    giveBack(member);
    now += 2 * SECONDS;
    Waiter givesUp = acquire();
    only(Action.Check.class);
    state.giveUp(givesUp);
    Waiter behindTheCheck = acquire();
    assertThat(state.takeActions()).isEmpty();
    state.checked(member, true, now);
    lent(behindTheCheck);

    state.released(member, now);
    now += PoolState.IMMINENT_NANOS; // what he asked for goes on for longer than is waited for
    Waiter behindALongOne = acquire();
    assertThat(only(Action.Refuse.class).waiter()).isSameAs(behindALongOne);
  }

  @Test
  void whereMoreAreLentThanThereMayBeAsManyMayWaitAsEver() {
    state = new PoolState(new Policy(2, 0, 0, 0, -1, true, false), 0, 8, bound -> 0);
    List<Member> all = lentTo("a", "a", "a", "a", "a", "a", "a", "a");
    state.resize(0, 1, now);
    Waiter first = acquire();
    acquire();
    assertThat(state.takeActions()).isEmpty();
    Waiter third = acquire();
    assertThat(only(Action.Refuse.class))
        .isEqualTo(new Action.Refuse(third, Refusal.TOO_MANY_WAITING));
    state.giveUp(first);
    giveBack(all.get(0));
    assertThat(only(Action.Close.class).reason()).isEqualTo(CloseReason.RESIZED);
    acquire(); // no room comes of that one's end
    assertThat(state.takeActions()).isEmpty();
    Waiter another = acquire();
    assertThat(only(Action.Refuse.class).waiter()).isSameAs(another);
  }

  @Test
  void firstInFirstOutUsesAllAlike() {
    state =
        new PoolState(new Policy(Integer.MAX_VALUE, 0, 0, 0, -1, false, false), 0, 2, bound -> 0);
    Waiter a = acquire();
    connect();
    Member one = lent(a);
    Waiter b = acquire();
    connect();
    Member two = lent(b);
    giveBack(one);
    giveBack(two);
    assertThat(lent(acquire())).isSameAs(one);
    giveBack(one);
    assertThat(lent(acquire())).isSameAs(two);
  }

  @Test
  void anInitIsNotWaitedForAtTheEndAndNothingWhenThePoolIsTerminated() {
    Waiter first = acquire();
    connect();
    Member member = lent(first);
    giveBack(member);
    state.expire(now);
    assertThat(only(Action.Close.class))
        .isEqualTo(new Action.Close(member, CloseReason.EXPIRED, false));
    acquire();
    Member attempt = only(Action.Connect.class).member();
    state.letIn(attempt);
    state.shut(now);
    assertThat(state.takeActions()).contains(new Action.Close(attempt, CloseReason.CLOSED, true));
    state.terminate(now);
    assertThat(state.takeActions())
        .containsExactly(
            new Action.Close(member, CloseReason.CLOSED, true),
            new Action.Close(attempt, CloseReason.CLOSED, true));
    assertThat(state.closed()).isEqualTo(Map.of(CloseReason.EXPIRED, 1L));
  }

  /** One lent to each of these hosts, in their order. */
  private List<Member> lentTo(String... hosts) {
    List<Member> members = new ArrayList<>();
    for (String host : hosts) {
      Waiter waiter = acquire();
      state.connected(only(Action.Connect.class).member(), host, now);
      members.add(lent(waiter));
    }
    return members;
  }

  @Test
  void aHostThatLosesAConnectionLosesItsIdleOnesAndTheLentWhenTheyComeBack() {
    state = new PoolState(PATIENT, 0, 4, bound -> 0);
    List<Member> all = lentTo("a", "a", "a", "b");
    giveBack(all.get(1));
    giveBack(all.get(3));
    state.lost(all.get(0), now);
    assertThat(only(Action.Close.class))
        .isEqualTo(new Action.Close(all.get(1), CloseReason.HOST, true));
    assertThat(lent(acquire())).isSameAs(all.get(3)); // the other host is not meant
    giveBack(all.get(2));
    assertThat(only(Action.Close.class))
        .isEqualTo(new Action.Close(all.get(2), CloseReason.HOST, true));
    assertThat(state.closed()).isEqualTo(Map.of(CloseReason.LOST, 1L, CloseReason.HOST, 2L));
  }

  @Test
  void whatTheOldConnectionsOfAHostTellLateDoesNotConcernTheNewOnes() {
    state = new PoolState(PATIENT, 0, 6, bound -> 0);
    List<Member> old = lentTo("a", "a", "a", "a");
    state.lost(old.get(0), now);
    List<Member> fresh = lentTo("a", "a");
    giveBack(fresh.get(0));
    state.lost(old.get(1), now);
    state.leave(old.get(2), now);
    state.lost(old.get(3), now);
    assertThat(state.takeActions()).isEmpty();
    assertThat(fresh.get(0).phase()).isEqualTo(Phase.IDLE);
    giveBack(fresh.get(1));
    assertThat(fresh.get(1).phase()).isEqualTo(Phase.IDLE);
    state.lost(fresh.get(1), now); // but what a new one tells does
    assertThat(only(Action.Close.class).member()).isSameAs(fresh.get(0));
  }

  @Test
  void oneThatDoesNotAnswerTakesThoseThatAreIdleOrLookedAtAlong() {
    state =
        new PoolState(new Policy(Integer.MAX_VALUE, 0, 0, 0, SECONDS, true, false), 0, 4, b -> 0);
    List<Member> all = lentTo("a", "a", "a", "b");
    all.forEach(this::giveBack);
    now += 2 * SECONDS;
    Waiter first = acquire();
    only(Action.Check.class); // of b
    Waiter second = acquire();
    assertThat(only(Action.Check.class).member()).isSameAs(all.get(2));
    Waiter third = acquire();
    assertThat(only(Action.Check.class).member()).isSameAs(all.get(1));
    state.checked(all.get(2), false, now);
    assertThat(state.takeActions())
        .containsExactlyInAnyOrder(
            new Action.Close(all.get(2), CloseReason.CHECK, true),
            new Action.Close(all.get(1), CloseReason.HOST, true),
            new Action.Close(all.get(0), CloseReason.HOST, true));
    state.checked(all.get(3), true, now);
    lent(first);
    state.ended(all.get(0), CloseReason.HOST, now);
    Member fresh = connect();
    lent(second); // in his old place
    giveBack(fresh);
    lent(third);
  }

  @Test
  void whereAHostWasLeftOneConnectionIsOpenedAndThenTheRest() {
    state = new PoolState(PATIENT, 4, 4, bound -> 0);
    state.start(now);
    connect();
    for (Action action : state.takeActions()) {
      state.connected(((Action.Connect) action).member(), "a", now);
    }
    List<Member> all = List.copyOf(state.members());
    state.lost(all.get(0), now);
    List<Action> actions = state.takeActions();
    assertThat(actions).hasSize(4).filteredOn(Action.Close.class::isInstance).hasSize(3);
    for (int i = 1; i < 4; i++) {
      state.ended(all.get(i), CloseReason.HOST, now);
    }
    assertThat(state.takeActions()).isEmpty();
    assertThat(actions.get(3)).isInstanceOf(Action.Connect.class);
    state.connected(((Action.Connect) actions.get(3)).member(), "a", now);
    assertThat(state.takeActions()).hasSize(3).allMatch(Action.Connect.class::isInstance);
  }

  @Test
  void whoeverIsRefusedForGoodIsTriedRarelyButSoonForThoseWhoWait() {
    state = new PoolState(PATIENT, 1, 2, bound -> bound - 1);
    state.start(now);
    for (int i = 0; i < 20; i++) {
      state.connectFailed(only(Action.Connect.class).member(), true, now);
      now = state.wakeAt();
      state.tick(now);
    }
    state.connectFailed(only(Action.Connect.class).member(), true, now);
    assertThat(state.wakeAt() - now).isEqualTo(Backoff.LONGEST_PAUSE_REFUSED_NANOS);
    Waiter waiter = acquire();
    assertThat(state.wakeAt() - now).isEqualTo(Backoff.LONGEST_WITH_WAITERS_NANOS);
    now = state.wakeAt();
    state.tick(now);
    state.connected(only(Action.Connect.class).member(), "a", now);
    lent(waiter);
  }

  @Test
  void besideAnAttemptThatHangsAnotherIsMadeAgainAndAgain() {
    state = new PoolState(PATIENT, 0, 2, bound -> 0);
    Waiter waiter = acquire();
    Action.Connect alone = only(Action.Connect.class);
    assertThat(alone.beside()).isFalse();
    Member slow = alone.member();
    now = state.wakeAt();
    state.tick(now);
    assertThat(now - slow.since()).isEqualTo(Backoff.SLOW_ATTEMPT_NANOS);
    Action.Connect another = only(Action.Connect.class);
    assertThat(another.beside()).isTrue();
    Member probe = another.member();
    for (int i = 0; i < 5; i++) {
      assertThat(state.wakeAt() - now).isEqualTo(Backoff.LONGEST_WITH_WAITERS_NANOS);
      now = state.wakeAt();
      state.tick(now);
      assertThat(only(Action.Close.class).member()).isSameAs(probe);
      state.ended(probe, CloseReason.CLOSED, now);
      probe = only(Action.Connect.class).member();
    }
    assertThat(slow.phase()).isEqualTo(Phase.CONNECTING); // all the time it was given
    state.connected(probe, "a", now);
    List<Action> actions = state.takeActions();
    assertThat(actions)
        .containsExactly(
            new Action.Close(slow, CloseReason.CLOSED, false), new Action.Lend(probe, waiter));
  }

  @Test
  void anAttemptThatHasBeenLetInDoesNotHang() {
    Waiter waiter = acquire();
    Member slow = only(Action.Connect.class).member();
    state.letIn(slow);
    now += 20 * SECONDS; // its init takes that long
    state.tick(now);
    assertThat(state.takeActions()).isEmpty();
    state.connected(slow, "a", now);
    assertThat(lent(waiter)).isSameAs(slow);
  }

  @Test
  void aHookHasItsTimeInWhateverPhaseItRuns() {
    acquire();
    Member member = only(Action.Connect.class).member();
    state.letIn(member);
    state.hookBegins(member, now + 60 * SECONDS);
    now += 59 * SECONDS;
    state.tick(now);
    assertThat(state.takeActions()).noneMatch(Action.EndHook.class::isInstance);
    assertThat(state.wakeAt() - now).isEqualTo(SECONDS);
    now += SECONDS;
    state.tick(now);
    assertThat(only(Action.EndHook.class).member()).isSameAs(member);
    state.tick(now);
    assertThat(state.takeActions()).isEmpty();

    Waiter waiter = acquire();
    state.connected(member, "a", now);
    lent(waiter);
    state.hookBegins(member, now + 30 * SECONDS);
    state.hookIsOver(member);
    now += 31 * SECONDS;
    state.tick(now);
    assertThat(state.takeActions()).isEmpty();
    state.released(member, now);
    state.hookBegins(member, now + 10 * SECONDS);
    assertThat(state.wakeAt() - now).isEqualTo(10 * SECONDS);
    now = state.wakeAt();
    state.tick(now);
    assertThat(only(Action.EndHook.class).member()).isSameAs(member);
  }

  @Test
  void aBalancedPoolLendsWhereTheFewestAreLentAndInTurns() {
    state = new PoolState(new Policy(Integer.MAX_VALUE, 0, 0, 0, -1, true, true), 0, 4, bound -> 0);
    List<Member> all = lentTo("a", "a", "a", "b");
    giveBack(all.get(1));
    giveBack(all.get(2));
    giveBack(all.get(3));
    Member first = lent(acquire()); // one is lent to a already
    assertThat(first).isSameAs(all.get(3));
    giveBack(first);
    giveBack(all.get(0));
    List<Boolean> ofB = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Member member = lent(acquire());
      ofB.add(member == all.get(3));
      giveBack(member);
    }
    assertThat(ofB).containsExactly(false, true, false, true);
  }

  /**
   * A million steps of whatever may happen in whatever order: borrowers come, give up and give
   * back; servers answer, refuse, die and fail over; time passes; sizes change.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void aRandomWalkKeepsEveryPromise(long seed) {
    new Walk(seed).take(250_000);
  }

  private static final class Walk {
    private final Random random;
    private final boolean checks;
    private final PoolState state;
    private long now;
    private int max = 4;

    private final Set<Waiter> waiting = new LinkedHashSet<>();
    private final Map<Member, Waiter> lent = new HashMap<>();
    private final List<Member> connecting = new ArrayList<>();
    private final Set<Member> letIn = new HashSet<>();
    private final List<Member> checking = new ArrayList<>();
    private final List<Member> returning = new ArrayList<>();
    private final List<Member> closing = new ArrayList<>();
    private final Set<Waiter> served = new HashSet<>();
    private final Map<Member, Long> hooked = new HashMap<>();
    private long lends;
    private long refusals;

    Walk(long seed) {
      random = new Random(seed);
      checks = seed % 2 == 0;
      now = seed - 1000 * SECONDS;
      state =
          new PoolState(
              new Policy(
                  20,
                  5 * SECONDS,
                  seed % 3 == 0 ? 0 : 20 * SECONDS,
                  SECONDS,
                  checks ? 100 * MILLIS : -1,
                  seed % 4 < 2,
                  seed % 4 > 1),
              2,
              max,
              bound -> random.nextLong(bound));
    }

    void take(int steps) {
      state.start(now);
      settle();
      for (int i = 0; i < steps; i++) {
        step();
        settle();
        check();
      }
      assertThat(lends).isGreaterThan(steps / 100);
      assertThat(refusals).isPositive();
      end();
    }

    private void step() {
      now += random.nextInt(4) == 0 ? random.nextLong(300 * MILLIS) : random.nextLong(MILLIS);
      switch (random.nextInt(24)) {
        case 0, 1, 2, 3, 4, 5 -> {
          Waiter waiter = new Waiter(null, now, now + 1 + random.nextLong(3 * SECONDS));
          waiting.add(waiter);
          state.acquire(waiter, now);
        }
        case 6 -> {
          if (!waiting.isEmpty()) {
            Waiter some = any(new ArrayList<>(waiting));
            waiting.remove(some);
            state.giveUp(some);
          }
        }
        case 7, 8, 9, 10, 11 -> {
          Member member = pick(new ArrayList<>(lent.keySet()));
          if (member != null) {
            lent.remove(member);
            boolean atOnce = random.nextBoolean() && state.returnedAsNew(member, null, now);
            if (!atOnce) {
              returning.add(member);
              state.released(member, now);
            }
          }
        }
        case 12, 13, 14, 15 -> {
          Member member = take(returning);
          if (member != null) {
            state.returned(member, random.nextInt(20) == 0 ? CloseReason.QUERIES : null, now);
          }
        }
        case 16, 17 -> {
          Member member = take(connecting);
          if (member != null) {
            letIn.remove(member);
            if (random.nextInt(4) == 0) {
              state.connectFailed(member, random.nextInt(4) == 0, now);
            } else if (random.nextInt(4) == 0) {
              state.letIn(member);
              letIn.add(member);
              connecting.add(member);
            } else {
              state.connected(member, random.nextBoolean() ? "a" : "b", now);
            }
          }
        }
        case 18, 19 -> {
          Member member = take(checking);
          if (member != null) {
            state.checked(member, random.nextInt(5) != 0, now);
          }
        }
        case 20 -> {
          Member member = take(closing);
          if (member != null) {
            state.ended(member, CloseReason.LOST, now);
          }
        }
        case 21 -> state.tick(now);
        case 22 -> rareEvent();
        default -> {
          if (state.wakes() && state.wakeAt() - now <= 0) {
            state.tick(now);
          }
        }
      }
    }

    private void rareEvent() {
      switch (random.nextInt(12)) {
        case 0 -> {
          // Lost, whoever has it.
          Member member = pick(new ArrayList<>(state.members()));
          if (member != null && member.phase() != Phase.CONNECTING) {
            forget(member);
            state.ended(member, CloseReason.LOST, now);
          }
        }
        case 1 -> {
          Member member = pick(new ArrayList<>(state.members()));
          if (member != null && member.phase() != Phase.CONNECTING) {
            if (random.nextBoolean()) {
              forget(member);
              state.lost(member, now);
            } else {
              state.leave(member, now);
            }
          }
        }
        case 2 -> state.expire(now);
        case 3 -> {
          max = 1 + random.nextInt(6);
          state.resize(random.nextInt(max + 1), max, now);
        }
        case 4 -> {
          Member member = pick(new ArrayList<>(lent.keySet()));
          if (member != null) {
            state.condemn(member, CloseReason.HOOK, now);
          }
        }
        default -> {
          // Mostly nothing rare happens.
        }
      }
    }

    /** What was decided comes about, and is as it was promised. */
    private void settle() {
      for (Action action : state.takeActions()) {
        if (action instanceof Action.Connect connect) {
          assertThat(state.size()).isLessThanOrEqualTo(max);
          connecting.add(connect.member());
        } else if (action instanceof Action.Check check) {
          checking.add(check.member());
        } else if (action instanceof Action.Lend lend) {
          lent(lend.member(), lend.waiter());
        } else if (action instanceof Action.Close close) {
          forget(close.member());
          closing.add(close.member());
        } else if (action instanceof Action.Refuse refuse) {
          assertThat(waiting.remove(refuse.waiter())).isTrue();
          refusals++;
        } else if (action instanceof Action.EndHook end) {
          assertThat(hooked.remove(end.member())).isLessThanOrEqualTo(now);
        }
      }
    }

    private void lent(Member member, Waiter waiter) {
      assertThat(lent).doesNotContainKey(member);
      assertThat(member.phase()).isEqualTo(Phase.LENT);
      assertThat(served.add(waiter)).isTrue();
      for (Waiter other : waiting) {
        if (other == waiter) {
          break;
        }
        // Who came earlier and is not served has a connection that is being looked at.
        assertThat(state.members()).anyMatch(one -> one.checkedFor() == other);
      }
      assertThat(waiting.remove(waiter)).isTrue();
      lent.put(member, waiter);
      lends++;
      if (random.nextInt(8) == 0) {
        long until = now + random.nextLong(SECONDS);
        hooked.put(member, until);
        state.hookBegins(member, until);
      }
    }

    private void forget(Member member) {
      lent.remove(member);
      connecting.remove(member);
      letIn.remove(member);
      checking.remove(member);
      returning.remove(member);
      closing.remove(member);
      if (hooked.remove(member) != null) {
        state.hookIsOver(member);
      }
    }

    private void check() {
      for (long until : hooked.values()) {
        if (!state.wakes() || state.wakeAt() - until > 0) {
          throw new AssertionError("nobody would end a hook that has had its time");
        }
      }
      int expected =
          lent.size()
              + connecting.size()
              + checking.size()
              + returning.size()
              + closing.size()
              + state.count(Phase.IDLE);
      if (state.size() != expected
          || state.count(Phase.LENT) != lent.size()
          || state.count(Phase.CONNECTING) != connecting.size()
          || state.count(Phase.CHECKING) != checking.size()
          || state.count(Phase.RETURNING) != returning.size()
          || state.count(Phase.CLOSING) != closing.size()
          || state.waiting() != waiting.size()) {
        throw new AssertionError(
            "lost: " + state.size() + " for " + expected + ", waiting " + state.waiting());
      }
      if (!waiting.isEmpty()) {
        boolean coming = !connecting.isEmpty() || !checking.isEmpty() || !returning.isEmpty();
        if (state.count(Phase.IDLE) > 0 && waiting.size() > checking.size()) {
          throw new AssertionError("somebody waits while a connection is idle");
        }
        if (!coming && lent.isEmpty() && closing.isEmpty() && !state.wakes()) {
          throw new AssertionError("somebody waits for nothing");
        }
        if (!state.wakes()) {
          throw new AssertionError("nobody would tell those who wait that their time is up");
        }
        // Those that have been let in are waited for; with any other, or with none, there is a
        // plan.
        long toNext = state.wakeAt() - now;
        if (waiting.size() > checking.size() + letIn.size()
            && state.size() < max
            && state.isFailingToConnect()
            && toNext > Backoff.LONGEST_WITH_WAITERS_NANOS) {
          throw new AssertionError("the next attempt is " + toNext + " ns away");
        }
      }
    }

    private void end() {
      state.shut(now);
      settle();
      assertThat(waiting).isEmpty();
      while (!state.isOver()) {
        Member member = state.members().iterator().next();
        forget(member);
        if (member.phase() == Phase.LENT) {
          state.returned(member, null, now);
        }
        state.ended(member, CloseReason.CLOSED, now);
        settle();
      }
      assertThat(lent).isEmpty();
    }

    private <T> T any(List<T> from) {
      return from.get(random.nextInt(from.size()));
    }

    private Member pick(List<Member> from) {
      return from.isEmpty() ? null : any(from);
    }

    private Member take(List<Member> from) {
      return from.isEmpty() ? null : from.remove(random.nextInt(from.size()));
    }
  }
}
