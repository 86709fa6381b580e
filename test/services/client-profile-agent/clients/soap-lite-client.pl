#!/usr/bin/perl
# Drives the Client Profile Agent with SOAP::Lite, without a WSDL, in the SOAP version of the last argument.
use strict;
use warnings;
use utf8;
use JSON::PP;
use SOAP::Lite;

my ($url, $ca, $password, $version) = @ARGV;
my $namespace = 'urn:cisco:epas:soap';
# The version is the whole process's in SOAP::Lite, and must stand before a client is made.
SOAP::Lite->soapversion($version);
my $client = SOAP::Lite->new->proxy($url, ssl_opts => { verify_hostname => 1, SSL_ca_file => $ca })
  ->default_ns($namespace)->on_action(sub { qq("$namespace/$_[1]") })->on_fault(sub { $_[1] })
  ->autotype(0)->readable(0);

sub call {
    my ($name, $key, $attributes, @inside) = @_;
    my $method = SOAP::Data->name($name)->attr({ xmlns => $namespace, %$attributes });
    my @header = defined $key ? (SOAP::Header->name('session-key')->attr({ xmlns => $namespace })->value($key)) : ();
    return $client->call($method, @header, @inside);
}

sub group {
    my ($name, @personas) = @_;
    return SOAP::Data->name('group')->attr({ name => $name })->value(\SOAP::Data->value(@personas));
}

my $persona = sub { SOAP::Data->name('persona-id')->value($_[0])->attr($_[1] // {}) };
my %seen;
my $login = call('login', undef, { 'client-type' => 'thirdclient', force => 'true' },
    SOAP::Data->name('username')->value('alice'), SOAP::Data->name('password')->value($password));
my $key = $login->valueof('//login-resp/success/session-key');
my $refused = call('login', undef, {}, SOAP::Data->name('username')->value('alice'), SOAP::Data->name('password')->value('wrong'));
$seen{refused} = $refused->valueof('//login-resp/failure/reason');
my $config = call('get-all-config', $key, {}, SOAP::Data->name('system-config'));
for my $node ($config->dataof('//get-all-config-resp/get-system-config-resp/property')) {
    $seen{domain} = $node->value if $node->attr->{name} eq 'Presence.Domain';
}
$seen{password} = length call('get-onetime-password', $key, {})->valueof('//get-onetime-password-resp/success/password');
my $added = call('add-contact', $key, {}, group('Night & day', $persona->('bob', { nickname => 'Bobby <3' }), $persona->('otto@partner.example')));
$seen{added} = $added->dataof('//add-contact-resp/success')->attr->{code};
call('delete-contact', $key, {}, group('Night & day', $persona->('otto', { domain => 'partner.example' })));
my $list = sub {
    my $answer = call('get-contact-list', $key, {});
    return [map { [$_->value, $_->attr->{nickname}] } $answer->dataof('//get-contact-list-resp/group/persona-id')];
};
$seen{list} = $list->();
my $fault = call('get-contact-list', 'no such key', {});
$seen{fault} = $fault->fault ? $fault->faultstring // $fault->valueof('//Fault/Reason/Text') : undef;
$seen{afterFault} = $list->();
print JSON::PP->new->canonical->utf8->encode(\%seen), "\n";
