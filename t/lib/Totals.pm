# Totals: prove's harness, which also prints a plain last line
# "N passed, N failed, N skipped" and fails the run when a test was skipped for
# a reason that t/lib/skips.allowed does not list.
#
# skips.allowed holds a line a reason: a test's file name as a shell pattern,
# the most checks of it that may be skipped for this reason, and the reason as
# a regular expression that covers the whole text. '#' starts a comment.
package Totals;
use strict;
use warnings;
use parent 'TAP::Harness';
use File::Basename qw(basename dirname);

my $ALLOWED = dirname(__FILE__) . '/skips.allowed';

# prove makes the harness: hear of every parser it makes.
sub new {
    my ($class, @args) = @_;
    my $self = $class->SUPER::new(@args);
    my %skips;    # test name, then reason: how many checks

    $self->callback(made_parser => sub {
        my ($parser, $job) = @_;
        my $name = basename($job->[0]);
        $parser->callback(test => sub {
            my $test = shift;
            $skips{$name}{ $test->explanation }++ if $test->has_skip;
        });
        $parser->callback(plan => sub {
            my $plan = shift;
            $skips{$name}{ $plan->explanation }++ if $plan->has_skip;
        });
    });
    $self->{skips_seen} = \%skips;
    return $self;
}

sub allowed {
    my @rows;
    open my $in, '<', $ALLOWED or die "$ALLOWED: $!\n";
    while (<$in>) {
        next if /^\s*(#|$)/;
        my ($file, $most, $reason) = /^(\S+)\s+(\d+)\s+(.*\S)\s*$/
            or die "$ALLOWED:$.: want: PATTERN COUNT REASON\n";
        $file = quotemeta $file;
        $file =~ s/\\\*/.*/g;
        push @rows, [ qr/^$file$/, $most, qr/^(?:$reason)$/ ];
    }
    return @rows;
}

# The skips that no line allows, each as a sentence.
sub unexpected {
    my ($seen) = @_;
    my @rows = allowed();
    my @bad;
    for my $test (sort keys %$seen) {
        for my $why (sort keys %{ $seen->{$test} }) {
            my $count = $seen->{$test}{$why};
            next if grep { $test =~ $_->[0] && $why =~ $_->[2]
                    && $count <= $_->[1] } @rows;
            push @bad, "$test: $count skipped, not allowed"
                . " by t/lib/skips.allowed: $why";
        }
    }
    return @bad;
}

# A test program that broke without a failed check counts as one failure.
sub failures {
    my ($aggregate) = @_;
    my $failed = 0;
    for my $parser ($aggregate->parsers) {
        my $here = scalar $parser->failed;
        $here = 1 if !$here && $parser->has_problems;
        $failed += $here;
    }
    return $failed;
}

sub summary {
    my ($self, $aggregate, @rest) = @_;
    $self->SUPER::summary($aggregate, @rest);

    my @bad = unexpected($self->{skips_seen});
    print "$_\n" for @bad;
    my $skipped = 0;
    $skipped += $_ for map { values %$_ } values %{ $self->{skips_seen} };
    my $failed = failures($aggregate) + @bad;
    my $passed = 0;
    $passed += $_->passed - $_->skipped for $aggregate->parsers;
    print "$passed passed, $failed failed, $skipped skipped\n";
    $self->{broken} = @bad > 0;
}

sub runtests {
    my ($self, @args) = @_;
    my $aggregate = $self->SUPER::runtests(@args);
    exit 1 if $self->{broken};
    return $aggregate;
}

1;
