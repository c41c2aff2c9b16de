# Completion of orch for PowerShell 5 and later. The program itself knows what fits; nothing that was typed is run.
Register-ArgumentCompleter -Native -CommandName orch -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    # Words as they are meant, without the quotes around them, and nothing behind the cursor.
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object {
        if ($_.Extent.EndOffset -gt $cursorPosition) {
            $_.Extent.Text.Substring(0, $cursorPosition - $_.Extent.StartOffset)
        } elseif ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $_.Value
        } else {
            $_.Extent.Text
        }
    })
    if ($wordToComplete -eq '') {
        # Before 7.3, and where the user chose it, a program gets no argument for an empty string, but one for empty quotes.
        $isOld = $PSVersionTable.PSVersion -lt [version]'7.3.0' -or $PSNativeCommandArgumentPassing -eq 'Legacy'
        $words += $(if ($isOld) { '""' } else { '' })
    }
    $before = $env:ORCH_COMPLETE
    $env:ORCH_COMPLETE = 'powershell'
    try {
        $found = @(& orch '--' @words 2>$null)
    } finally {
        if ($null -eq $before) { Remove-Item Env:ORCH_COMPLETE } else { $env:ORCH_COMPLETE = $before }
    }
    $found | Where-Object { $_ } | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        if (-not $help) { $help = $value }
        # What could mean something else to PowerShell stands in quotes.
        $shown = $value
        if ($value -notmatch '^[\w./:=+%~-]+$') {
            $shown = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($value) + "'"
        }
        [System.Management.Automation.CompletionResult]::new($shown, $value, 'ParameterValue', $help)
    }
}
