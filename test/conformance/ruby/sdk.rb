# Makes one signed request for each line of its input, through one client of the Ruby SDK.
require "aws-sdk-core"

if ARGV[0] == "--version"
  puts Aws::CORE_GEM_VERSION
  exit
end
profile, endpoint = ARGV
Aws.config[:sts] = { endpoint: endpoint } # for the role, too
client = nil
while $stdin.gets
  begin
    client ||= Aws::STS::Client.new(profile: profile, endpoint: endpoint)
    client.get_caller_identity
    puts "ok"
  rescue StandardError => e
    puts "error #{e.message.split.join(" ")}"
  end
  $stdout.flush
end
