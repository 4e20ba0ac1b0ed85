"""A minute of two committers, one of them killed again and again, with PyIceberg appending and expiring beside them."""

import peers

import committer


def two_committers_and_pyiceberg_for_a_minute(folder):
    print(committer.run_beside(committer.House(folder, 3000), 60, 0.2, 1.0))


def the_same_with_kills(folder):
    print(committer.run_beside(committer.House(folder, 3000), 60, 0.2, 1.0, kill_pause_s=1.5))


if __name__ == "__main__":
    peers.run(two_committers_and_pyiceberg_for_a_minute, the_same_with_kills)
